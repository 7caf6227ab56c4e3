//! One call on one connection, with errors on the way in our terms.

use std::{
    error::Error,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tonic::{Status, TimeoutExpired, body::Body};
use tower::{Service as _, ServiceExt as _};

use super::pool::{Place, Pool};

/// A response body that holds its place on the connection to its end.
struct Placed {
    inner: Body,
    _place: Place,
}

pub(super) async fn call(pool: Arc<Pool>, request: Request<Body>) -> Result<Response<Body>, Status> {
    let (mut channel, place) = pool.take();
    let channel = channel.ready().await.map_err(|error| lost(&error))?;
    let response = channel.call(request).await.map_err(|error| lost(&error))?;
    Ok(response.map(|inner| Body::new(Placed { inner, _place: place })))
}

/// Whatever was lost on the way may be found the next time.
fn lost(error: &(dyn Error + 'static)) -> Status {
    let causes = || std::iter::successors(Some(error), |error| (*error).source());
    if causes().any(|cause| cause.is::<TimeoutExpired>()) {
        return Status::deadline_exceeded("the call took longer than its deadline");
    }
    let root = causes().last().map(ToString::to_string).unwrap_or_default();
    Status::unavailable(format!("the server cannot be reached: {root}"))
}

// === impl Placed ===

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(cx).map_err(|error| lost(&error))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
