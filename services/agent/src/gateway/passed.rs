//! An instance's answer on its way to the client: counted when it ends, its connection given back then.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{attempt::Attempt, pool::Lease};

/// The body of an instance's answer.
#[derive(Debug)]
pub struct Passed {
    inner: Incoming,
    /// Taken when the answer has ended.
    open: Option<Open>,
    /// Whether the client expects a gRPC status at the end.
    grpc: bool,
    ended: bool,
}

#[derive(Debug)]
struct Open {
    attempt: Attempt,
    lease: Option<Lease>,
}

// === impl Passed ===

impl Passed {
    /// Counts on `attempt`; `lease` is the connection where it is one that serves one request at a time.
    pub fn new(inner: Incoming, attempt: Attempt, lease: Option<Lease>, grpc: bool) -> Self {
        let mut passed = Self { inner, open: Some(Open { attempt, lease }), grpc, ended: false };
        if passed.inner.is_end_stream() {
            passed.finish(None);
        }
        passed
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    self.finish(Some(trailers));
                } else if self.inner.is_end_stream() {
                    self.finish(None);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => self.broken(error),
            None => {
                self.finish(None);
                Poll::Ready(None)
            }
        }
    }

    pub(super) fn is_end(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }

    fn finish(&mut self, trailers: Option<&HeaderMap>) {
        if let Some(Open { attempt, lease }) = self.open.take() {
            attempt.ended(trailers);
            if let Some(lease) = lease {
                lease.give_back();
            }
        }
    }

    /// A gRPC client is told in its own words; any other sees the answer break off.
    fn broken(&mut self, error: hyper::Error) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.ended = true;
        if let Some(Open { attempt, .. }) = self.open.take() {
            attempt.broken();
        }
        if self.grpc {
            Poll::Ready(Some(Ok(Frame::trailers(unavailable()))))
        } else {
            Poll::Ready(Some(Err(error)))
        }
    }
}

fn unavailable() -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static("grpc-status"), HeaderValue::from_static("14")),
        (HeaderName::from_static("grpc-message"), HeaderValue::from_static("the instance broke off")),
    ])
}
