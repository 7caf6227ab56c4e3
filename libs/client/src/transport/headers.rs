//! What each call takes along.

use std::{collections::HashMap, time::Duration};

use bellwether_proto::metadata::{ACTING_FOR, ACTING_ROLES, SERVICE_NAME};
use http::{HeaderMap, HeaderName, HeaderValue, Request, header::AUTHORIZATION};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::body::Body;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::methods;

const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

/// Headers for every call, and the deadline of unary ones.
#[derive(Clone, Debug)]
pub(super) struct Headers {
    fixed: HeaderMap,
    timeout: Duration,
}

// === impl Headers ===

impl Headers {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { fixed: HeaderMap::new(), timeout }
    }

    /// None: the token is no text for a header.
    pub(super) fn token(mut self, token: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
        value.set_sensitive(true);
        self.fixed.insert(AUTHORIZATION, value);
        Some(self)
    }

    pub(super) fn service(mut self, name: &'static str) -> Self {
        self.fixed.insert(SERVICE_NAME, HeaderValue::from_static(name));
        self
    }

    pub(super) fn within(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// What cannot be sent is sent empty, which the server refuses: a call must not go out as somebody else's.
    pub(super) fn acting_for(&self, principal: &str, roles: &str) -> Self {
        let mut acting = self.clone();
        let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""));
        acting.fixed.insert(ACTING_FOR, value(principal));
        acting.fixed.insert(ACTING_ROLES, value(roles));
        acting
    }

    pub(super) fn add_to(&self, request: &mut Request<Body>) {
        let unary = methods::is_unary(request.uri().path());
        let headers = request.headers_mut();
        for (name, value) in &self.fixed {
            headers.insert(name, value.clone());
        }
        if unary && !headers.contains_key(GRPC_TIMEOUT) {
            let millis = self.timeout.as_millis().min(99_999_999);
            headers
                .extend(HeaderValue::try_from(format!("{millis}m")).ok().map(|value| (GRPC_TIMEOUT, value)));
        }
        add_trace(headers);
    }
}

/// The W3C trace context of the current span.
fn add_trace(headers: &mut HeaderMap) {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    for (name, value) in carrier {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
}
