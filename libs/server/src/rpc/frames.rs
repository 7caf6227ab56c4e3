//! A response body of frames that are encoded already.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::Response};
use bellwether_resource::watch::Frames;
use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame};
use tonic::Status;

/// Sends frames, then the status in trailers.
struct Framed(Option<BoxStream<'static, Result<Bytes, Status>>>);

/// The response with the frames that its handler offers instead of the messages, where it does.
pub(super) fn as_frames(mut response: Response) -> Response {
    let frames = response.extensions_mut().remove::<Frames>().and_then(|frames| frames.take());
    match frames {
        Some(frames) => response.map(|_messages| Body::new(Framed(Some(frames)))),
        None => response,
    }
}

/// A status as trailers say it.
pub(super) fn trailers(status: &Status) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    if let Err(error) = status.add_header(&mut trailers) {
        tracing::error!(%error, "a status cannot be encoded");
    }
    trailers
}

// === impl Framed ===

impl HttpBody for Framed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(frames) = &mut self.0 else { return Poll::Ready(None) };
        let status = match ready!(frames.poll_next_unpin(cx)) {
            Some(Ok(frame)) => return Poll::Ready(Some(Ok(Frame::data(frame)))),
            Some(Err(status)) => status,
            None => Status::ok(""),
        };
        self.0 = None;
        Poll::Ready(Some(Ok(Frame::trailers(trailers(&status)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}
