//! Copies of requests whose answers are ignored.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use bellwether_clock::spawn;
use http::{HeaderValue, Method, Request, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Full};

use super::{
    accounting::Traffic,
    body::{RequestBody, RequestBodyError},
    exchange::Failed,
    proxy::{Proxy, Routed},
    replay::Replay,
    route::Choice,
    state::State,
};

/// More open copies than this are not made: a slow candidate must not take the gateway's memory.
const MAX_OPEN: usize = 256;

/// A larger body is not copied.
const MAX_BODY: u64 = 64 * 1024;

/// Tells the application that nobody waits for this answer.
const MARK: &str = "x-bellwether-mirror";

/// Sends a copy of a request, if one is to be sent; returns the request's body, as it may be sent on. A body is copied
/// only where it is small: it is read as a whole then.
///
/// # Errors
/// The client broke off while its body was read.
pub(super) async fn copy(
    proxy: &Proxy,
    routed: &Routed,
    parts: &Parts,
    body: RequestBody,
) -> Result<RequestBody, RequestBodyError> {
    let Some(open) = wanted(routed, parts, &body).then(|| Open::enter(&proxy.state)).flatten() else {
        return Ok(body);
    };
    let (body, copy) = match body {
        RequestBody::Empty => (RequestBody::Empty, RequestBody::Empty),
        body => {
            let whole = Full::new(body.collect().await?.to_bytes());
            (RequestBody::Whole(whole.clone()), RequestBody::Whole(whole))
        }
    };
    let mut request = Replay::copy(parts, copy);
    request.headers_mut().insert(MARK, HeaderValue::from_static("1"));
    let fleet = routed.route.mirror.as_ref().map_or(routed.choice.fleet, |mirror| mirror.fleet);
    let choice = Choice { fleet, traffic: Traffic::Mirrored, remember: false };
    let routed = Routed {
        route: routed.route.clone(),
        choice,
        journeys: routed.journeys,
        grpc: routed.grpc,
        session: None,
        version_header: None,
    };
    let proxy = proxy.clone();
    spawn("mirror", async move {
        send(&proxy, &routed, request).await;
        drop(open);
    });
    Ok(body)
}

/// Whether this request is to be copied.
fn wanted(routed: &Routed, parts: &Parts, body: &RequestBody) -> bool {
    let Some(mirror) = &routed.route.mirror else {
        return false;
    };
    let safe = matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let small = body.size_hint().upper().is_some_and(|length| length <= MAX_BODY);
    let live = routed.choice.traffic == Traffic::Live && routed.choice.fleet != mirror.fleet;
    live && small && (safe || mirror.unsafe_methods) && mirror.sample.pick() == 1
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
