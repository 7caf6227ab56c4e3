//! The W3C trace context: from and to headers, and the text that is kept in a journal.

use std::collections::HashMap;

use http::HeaderMap;
use opentelemetry::{
    propagation::TextMapPropagator as _,
    trace::{TraceContextExt as _, TraceId},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// Its name as a header, and as metadata of a call.
pub const TRACEPARENT: &str = "traceparent";

/// The `traceparent` of the current span, to be kept in a journal. None where nothing traces.
pub fn current_traceparent() -> Option<String> {
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.remove(TRACEPARENT)
}

/// Makes `span` a child of the one that this `traceparent` names: a rollout that is resumed continues its trace. Text
/// that is no `traceparent` changes nothing.
pub fn continue_from(span: &Span, traceparent: &str) {
    let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
    let parent = TraceContextPropagator::new().extract_with_context(&opentelemetry::Context::new(), &carrier);
    if parent.span().span_context().is_valid() {
        // fails only where nothing traces, or the span has begun already
        let _ = span.set_parent(parent);
    }
}

/// The same from the metadata of a call; notes the trace's id on the span for the logs.
pub(crate) fn continue_from_headers(span: &Span, headers: &HeaderMap) {
    if let Some(traceparent) = headers.get(TRACEPARENT).and_then(|value| value.to_str().ok()) {
        continue_from(span, traceparent);
    }
    let context = span.context();
    let trace_id = context.span().span_context().trace_id();
    if trace_id != TraceId::INVALID {
        span.record("trace_id", tracing::field::display(trace_id));
    }
}
