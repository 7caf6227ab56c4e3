//! What carries calls: connections with everything that each call takes along.

mod builder;
mod call;
mod headers;
mod methods;
mod pool;

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::Service;

pub use builder::{Builder, TransportError};
use headers::Headers;
use pool::Pool;

/// Stands in for tonic's `Channel` under every generated client. Cheap to clone; connects when it is first used, and
/// anew when a connection is lost.
///
/// Each call takes the bearer token, the trace context and, where it is unary and has none, a deadline. Streams are
/// spread over as many connections as they need, so that thousands of them wait for no room. Whatever goes wrong on
/// the way is UNAVAILABLE, or DEADLINE_EXCEEDED when the time was over.
#[derive(Clone, Debug)]
pub struct Transport {
    pool: Arc<Pool>,
    headers: Headers,
}

// === impl Transport ===

impl Transport {
    /// To the server at this URL, e.g. `http://127.0.0.1:7420`.
    pub fn builder(url: impl Into<String>) -> Builder {
        Builder::new(url)
    }

    /// The same connections for calls on behalf of somebody: `principal` is `<kind>/<id>`, `roles` are separated by
    /// commas (what the server's `Caller::acting` gives). Text that cannot be metadata is refused by the server.
    pub fn acting_for(&self, principal: &str, roles: &str) -> Self {
        Self { pool: self.pool.clone(), headers: self.headers.acting_for(principal, roles) }
    }

    /// The same connections for unary calls that take at most `left`: what is left of the deadline of the call that they
    /// are made for.
    pub fn within(&self, left: Duration) -> Self {
        Self { pool: self.pool.clone(), headers: self.headers.within(left) }
    }
}

impl Service<Request<Body>> for Transport {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        self.headers.add_to(&mut request);
        Box::pin(call::call(self.pool.clone(), request))
    }
}
