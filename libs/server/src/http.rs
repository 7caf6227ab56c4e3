//! What is served beside gRPC on the same address: `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use tonic::Status;

use crate::{Identities, METHOD_UNKNOWN, Metrics, Peer, Permission, Readiness, authenticate, holds};

/// What these pages show.
pub(crate) struct Pages {
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    pub(crate) identities: Identities,
}

/// The routes, with the answer to everything that is unknown.
pub(crate) fn routes(pages: Pages) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(unknown)
        .with_state(Arc::new(pages))
}

async fn ready(State(pages): State<Arc<Pages>>) -> Response {
    let missing = pages.readiness.missing();
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    let lines: Vec<_> = missing.into_iter().map(|(service, reason)| line(&service, &reason)).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines.concat()).into_response()
}

fn line(service: &str, reason: &str) -> String {
    let who = if service.is_empty() { "process" } else { service };
    format!("{who} {reason}\n")
}

/// Metrics name applications and targets: they are for whoever may read those.
async fn metrics(State(pages): State<Arc<Pages>>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    let caller = parts.extensions.get::<Peer>().map(|peer| authenticate(&pages.identities, *peer, &parts));
    match caller {
        Some(Ok(caller)) if holds(&caller, Permission::View) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], pages.metrics.encode()).into_response()
        }
        Some(Ok(_)) => (StatusCode::FORBIDDEN, "the token may not read metrics\n").into_response(),
        _ => {
            let challenge = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, challenge, "metrics need a bearer token here\n").into_response()
        }
    }
}

async fn unknown(headers: HeaderMap) -> Response {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !kind.is_some_and(|kind| kind.starts_with("application/grpc")) {
        return (StatusCode::NOT_FOUND, "not found\n").into_response();
    }
    Status::from(METHOD_UNKNOWN.because("this server does not serve that service")).into_http()
}
