//! One call on its way to its handler and back.

use std::{panic::AssertUnwindSafe, sync::Arc};

use axum::{
    body::Body,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use bellwether_clock::Env;
use bellwether_resource::error::Problem;
use futures::FutureExt as _;
use http::request::Parts;
use tonic::{Code, Status};
use tracing::{Instrument as _, Span, field::Empty, info_span};

use super::{
    audit,
    body::{End, Watched, panicked},
    deadline::{self, Deadline},
    ending::{Ending, ending},
    frames::as_frames,
    load::Load,
    measure::RpcMetrics,
    normal::normalise,
};
use crate::{
    Caller, Identities, Limits, METHOD_UNKNOWN, Method, Methods, NO_IDENTITY, PERMISSION_DENIED, Peer,
    Shutdown, authenticate, holds, telemetry,
};

/// What every call needs.
pub(crate) struct Rpc {
    env: Env,
    limits: Limits,
    load: Load,
    methods: Methods,
    identities: Identities,
    metrics: RpcMetrics,
}

/// The middleware around all gRPC services.
pub(crate) async fn around(State(rpc): State<Arc<Rpc>>, request: Request, next: Next) -> Response {
    let Some(method) = rpc.methods.find(request.uri().path()).cloned() else {
        return unknown_method();
    };
    let span = span(&method, &request);
    let work = rpc.call(method, request, next, span.clone());
    work.instrument(span).await
}

// === impl Rpc ===

impl Rpc {
    pub(crate) fn new(
        env: Env,
        limits: Limits,
        methods: Methods,
        identities: Identities,
        metrics: RpcMetrics,
    ) -> Self {
        Self { load: Load::new(&limits), env, limits, methods, identities, metrics }
    }

    async fn call(&self, method: Arc<Method>, request: Request, next: Next, span: Span) -> Response {
        let mut end = End { measured: self.metrics.start(&method, &self.env), span, room: None };
        let (mut parts, body) = request.into_parts();
        let admitted = self.admit(&method, &mut parts, &mut end);
        let caller = parts.extensions.get::<Caller>().cloned();
        let left = Deadline::of(&parts.extensions).map(|deadline| deadline.left(&self.env));
        let mut ending = ending(&method, left, Shutdown::of(&parts.extensions), &self.limits);
        let mut response = match admitted {
            Ok(()) => as_frames(run(next, Request::from_parts(parts, body), &mut ending).await),
            Err(refusal) => refusal.into_http(),
        };
        let code = normalise(response.headers_mut());
        if let Some(code) = code {
            end.ended(code);
        }
        // a response without a status yet was accepted: its handler has begun to answer
        audit::log(&method, caller.as_ref(), code.unwrap_or(Code::Ok));
        response.map(|body| Body::new(Watched::new(body, ending, end)))
    }

    /// Puts caller and deadline into the request's extensions, and makes room for it.
    fn admit(&self, method: &Method, parts: &mut Parts, end: &mut End) -> Result<(), Status> {
        if let Some(permission) = method.permission {
            let peer = parts.extensions.get::<Peer>().copied();
            let peer = peer.ok_or_else(|| NO_IDENTITY.because("the connection has no known peer"))?;
            let caller = authenticate(&self.identities, peer, parts)?;
            let allowed = holds(&caller, permission);
            end.span.record("principal", caller.principal.id.as_str());
            parts.extensions.insert(caller.clone());
            if !allowed {
                return Err(denied(&caller, method).into());
            }
        }
        end.room = self.load.admit(method)?;
        let time = deadline::time_for(method, &parts.headers, &self.limits)?;
        if let Some(deadline) = time.and_then(|time| self.env.now().checked_add(time).ok()) {
            parts.extensions.insert(Deadline(deadline));
        }
        Ok(())
    }
}

/// Runs the handler until it answers, has to end, or panics.
async fn run(next: Next, request: Request, ending: &mut Ending) -> Response {
    let refusal = tokio::select! {
        biased;
        ended = AssertUnwindSafe(next.run(request)).catch_unwind() => match ended {
            Ok(response) => return response,
            Err(panic) => panicked(&*panic),
        },
        refusal = ending => refusal,
    };
    Status::from(refusal).into_http()
}

/// The span of a call continues the trace of its caller; what spawned the connection is no part of it.
fn span(method: &Method, request: &Request) -> Span {
    let span = info_span!(
        target: "bellwether::rpc",
        parent: None,
        "rpc",
        otel.name = format!("{}/{}", method.service, method.name),
        otel.kind = "server",
        service = method.service,
        method = method.name,
        principal = Empty,
        code = Empty,
        trace_id = Empty,
    );
    telemetry::continue_from_headers(&span, request.headers());
    span
}

fn unknown_method() -> Response {
    Status::from(METHOD_UNKNOWN.because("this server has no such method")).into_http()
}

fn denied(caller: &Caller, method: &Method) -> Problem {
    let permission = method.permission.unwrap_or_default();
    let who = &caller.principal.id;
    let needs = permission.as_str_name();
    PERMISSION_DENIED.because(format!("{who} may not call {}: it needs {needs}", method.name))
}
