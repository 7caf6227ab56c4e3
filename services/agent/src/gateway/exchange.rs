//! One request to one instance: takes or makes a connection, sends, waits for the answer's head.

use std::{sync::Arc, time::Duration};

use bellwether_clock::Env;
use http::{Request, Response};
use hyper::{body::Incoming, client::conn::TrySendError};
use tokio::time::timeout;

use super::{
    body::{Progress, RequestBody},
    pool::Lease,
    table::Policy,
    upstream::Upstream,
};

/// Why there is no answer.
#[derive(Debug)]
pub enum Failed {
    /// Nothing was sent: no connection, or it was closed before. The request is unharmed.
    Unsent(Box<Request<RequestBody>>, std::io::Error),
    /// The connection broke while the answer was awaited.
    Broken(hyper::Error),
    /// No answer in time.
    TimedOut,
}

/// An answer, and its connection where that serves one request at a time.
pub type Answer = (Response<Incoming>, Option<Lease>);

/// Where and how requests are sent.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The instance.
    pub upstream: &'a Arc<Upstream>,
    /// Whose connections are used.
    pub worker: usize,
    /// Limits and times.
    pub policy: &'a Policy,
    /// The clock.
    pub env: &'a Env,
}

// === impl Exchange ===

impl Exchange<'_> {
    /// By HTTP/1.1. A connection that was idle may have been closed by the instance a moment ago; then nothing was
    /// sent, and the next one is tried.
    pub async fn http1(self, mut request: Request<RequestBody>) -> Result<Answer, Failed> {
        let lane = self.upstream.lane(self.worker);
        while let Some(mut connection) = lane.take(self.env, self.policy.idle_timeout) {
            let progress = request.body().progress();
            match self.within(progress, connection.try_send_request(request)).await? {
                Ok(response) => return Ok((response, Some(self.lease(connection)))),
                Err(error) => request = unsent(error)?.0,
            }
        }
        let mut connection = match self.upstream.connect_http1(self.policy.connect_timeout).await {
            Ok(connection) => connection,
            Err(error) => return Err(Failed::Unsent(Box::new(request), error)),
        };
        let progress = request.body().progress();
        match self.within(progress, connection.try_send_request(request)).await? {
            Ok(response) => Ok((response, Some(self.lease(connection)))),
            Err(error) => Err(closed_at_once(error)),
        }
    }

    /// By HTTP/2.
    pub async fn http2(self, request: Request<RequestBody>) -> Result<Answer, Failed> {
        let lane = self.upstream.lane(self.worker);
        let mut connection = match lane.shared(self.upstream, self.policy.connect_timeout).await {
            Ok(connection) => connection,
            Err(error) => return Err(Failed::Unsent(Box::new(request), error)),
        };
        let progress = request.body().progress();
        match self.within(progress, connection.try_send_request(request)).await? {
            Ok(response) => Ok((response, None)),
            Err(error) => Err(closed_at_once(error)),
        }
    }

    fn lease(self, connection: super::upstream::Http1) -> Lease {
        Lease::new(connection, self.upstream.clone(), self.worker, self.env.clone())
    }

    /// Waits for the answer's head; while the client is still sending, the time begins anew.
    async fn within<T>(
        self,
        progress: Option<Arc<Progress>>,
        answer: impl Future<Output = T>,
    ) -> Result<T, Failed> {
        let limit: Duration = self.policy.response_timeout;
        let Some(progress) = progress else {
            return timeout(limit, answer).await.map_err(|_| Failed::TimedOut);
        };
        let mut answer = std::pin::pin!(answer);
        loop {
            let seen = progress.frames();
            match timeout(limit, answer.as_mut()).await {
                Ok(answer) => return Ok(answer),
                Err(_) if progress.frames() > seen => {}
                Err(_) => return Err(Failed::TimedOut),
            }
        }
    }
}

/// The request, if nothing of it was sent.
fn unsent(
    mut error: TrySendError<Request<RequestBody>>,
) -> Result<(Request<RequestBody>, hyper::Error), Failed> {
    match error.take_message() {
        Some(request) => Ok((request, error.into_error())),
        None => Err(Failed::Broken(error.into_error())),
    }
}

/// A connection that was just made and took nothing is one that was not made.
fn closed_at_once(error: TrySendError<Request<RequestBody>>) -> Failed {
    match unsent(error) {
        Ok((request, error)) => Failed::Unsent(Box::new(request), std::io::Error::other(error)),
        Err(failed) => failed,
    }
}
