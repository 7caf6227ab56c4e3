//! Connections that switch to another protocol: bytes are passed both ways until either side ends.

use std::sync::Arc;

use bellwether_clock::spawn;
use http::{HeaderValue, Request, Response, Version};
use hyper::{
    body::Incoming,
    upgrade::{OnUpgrade, Upgraded, on},
};
use hyper_util::rt::TokioIo;

use super::{
    answer::Own,
    attempt::Attempt,
    body::ResponseBody,
    headers,
    retire::Retiring,
    tunnel::{self, End},
    upstream::Upstream,
};

/// A client's wish to switch.
#[derive(Debug)]
pub struct Upgrade {
    protocol: HeaderValue,
    client: OnUpgrade,
}

// === impl Upgrade ===

impl Upgrade {
    /// The wish, if the request has one. The switch to HTTP/2 is not passed on: clients that want it begin with it.
    pub fn asked(request: &mut Request<Incoming>) -> Option<Self> {
        if request.version() != Version::HTTP_11 {
            return None;
        }
        let protocol = headers::upgrade(request.headers())?;
        if protocol.as_bytes().eq_ignore_ascii_case(b"h2c") {
            return None;
        }
        Some(Self { protocol, client: on(request) })
    }

    /// What it switches to.
    pub fn protocol(&self) -> &HeaderValue {
        &self.protocol
    }

    /// The instance has agreed: passes that on, and then the bytes.
    pub fn accept(
        self,
        response: &mut Response<Incoming>,
        attempt: Attempt,
        retiring: Retiring,
    ) -> Response<ResponseBody> {
        let instance = on(&mut *response);
        let mut answer = Own::BadGateway.answer(false);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        *answer.body_mut() = ResponseBody::Own(Default::default());
        headers::prepare_switch(answer.headers_mut(), &self.protocol);
        let websocket = self.protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
        spawn("upgraded", async move {
            match tokio::try_join!(self.client, instance) {
                Ok((client, instance)) => pass(client, instance, websocket, attempt, retiring).await,
                Err(error) => tracing::debug!(%error, "a switch of protocols was not completed"),
            }
        });
        answer
    }
}

async fn pass(client: Upgraded, instance: Upgraded, websocket: bool, attempt: Attempt, retiring: Retiring) {
    let upstream = attempt.backend().upstream.clone();
    let cut = || cut(upstream.clone(), retiring.clone());
    if tunnel::run(TokioIo::new(client), TokioIo::new(instance), websocket, cut).await == End::Cut {
        attempt.cut();
    }
}

/// The drain's deadline of the instance, or that of the gateway itself.
async fn cut(upstream: Arc<Upstream>, retiring: Retiring) {
    tokio::select! {
        () = upstream.wait_cut() => {}
        () = retiring.deadline() => {}
    }
}
