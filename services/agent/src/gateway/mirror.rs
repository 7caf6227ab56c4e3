//! Copies of requests whose answers are ignored.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bellwether_clock::spawn;
use http::{Method, Request, request::Parts};
use http_body_util::BodyExt;

use super::{
    accounting::Traffic,
    body::RequestBody,
    exchange::Failed,
    proxy::{Proxy, Routed},
    replay::Replay,
    route::Choice,
    state::State,
};

/// More open copies than this are not made: a slow candidate must not take the gateway's memory.
const MAX_OPEN: usize = 256;

/// Tells the application that nobody waits for this answer.
const MARK: &str = "x-bellwether-mirror";

/// Sends a copy of a request, if one is to be sent. Only requests without a body are copied: a body passes through
/// once, it is not held.
pub(super) fn copy(proxy: &Proxy, routed: &Routed, parts: &Parts, body: &RequestBody) {
    let Some(mirror) = &routed.route.mirror else {
        return;
    };
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let live = routed.choice.traffic == Traffic::Live && routed.choice.fleet != mirror.fleet;
    if !live
        || !(safe || mirror.unsafe_methods)
        || !matches!(body, RequestBody::Empty)
        || mirror.sample.pick() == 0
    {
        return;
    }
    let Some(open) = Open::enter(&proxy.state) else {
        return;
    };
    let request = duplicate(parts);
    let choice = Choice { fleet: mirror.fleet, traffic: Traffic::Mirrored, remember: false };
    let routed = Routed { route: routed.route.clone(), choice, journeys: routed.journeys, grpc: routed.grpc };
    let proxy = proxy.clone();
    spawn("mirror", async move {
        send(&proxy, &routed, request).await;
        drop(open);
    });
}

fn duplicate(parts: &Parts) -> Request<RequestBody> {
    let mut request = Replay::copy(parts);
    request.headers_mut().insert(MARK, http::HeaderValue::from_static("1"));
    request
}

async fn send(proxy: &Proxy, routed: &Routed, request: Request<RequestBody>) {
    let Some(backend) = routed.route.backend(routed.choice.fleet, &[], &proxy.state.env) else {
        return;
    };
    let mut attempt = proxy.start(routed, &backend);
    match proxy.exchange(routed, &backend, request).await {
        Ok((response, lease)) => {
            attempt.answered(response.status(), response.headers());
            let mut body = response.into_body();
            loop {
                match body.frame().await {
                    Some(Ok(frame)) if frame.is_trailers() => break attempt.ended(frame.trailers_ref()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) => break attempt.broken(),
                    None => break attempt.ended(None),
                }
            }
            if let Some(lease) = lease {
                lease.give_back();
            }
        }
        Err(Failed::Unsent(..)) => attempt.connect_failed(),
        Err(Failed::Broken(_) | Failed::TimedOut) => attempt.broken(),
    }
}

/// One open copy.
struct Open(Arc<State>);

// === impl Open ===

impl Open {
    fn enter(state: &Arc<State>) -> Option<Self> {
        if state.mirrors.fetch_add(1, Relaxed) < MAX_OPEN {
            return Some(Self(state.clone()));
        }
        state.mirrors.fetch_sub(1, Relaxed);
        None
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.mirrors.fetch_sub(1, Relaxed);
    }
}
