//! The bodies that pass through, frame by frame: neither is ever held as a whole.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use thiserror::Error;

use super::passed::Passed;

/// A request's body, towards an instance.
#[derive(Debug)]
pub enum RequestBody {
    /// None: such a request can be sent again.
    Empty,
    /// As it comes from the client.
    Streaming(Streaming),
    /// A small one that was read as a whole, to be sent more than once.
    Whole(Full<Bytes>),
}

/// A body that comes from a client.
#[derive(Debug)]
pub struct Streaming {
    inner: Incoming,
    /// Bytes that may still come; none: any number.
    left: Option<u64>,
    progress: Arc<Progress>,
}

/// What the one who waits for the answer sees of the request's body.
#[derive(Debug, Default)]
pub struct Progress {
    frames: AtomicU64,
    too_large: AtomicBool,
    aborted: AtomicBool,
}

/// Why a request's body broke off.
#[derive(Debug, Error)]
pub enum RequestBodyError {
    /// The client stopped sending.
    #[error("the client broke off")]
    Client(#[source] hyper::Error),
    /// It is longer than allowed.
    #[error("the request's body is over the limit")]
    TooLarge,
}

/// An answer's body, towards a client.
#[derive(Debug)]
pub enum ResponseBody {
    /// The gateway's own.
    Own(Full<Bytes>),
    /// An instance's.
    Passed(Passed),
}

// === impl RequestBody ===

impl RequestBody {
    /// Of what a client sends, at most `max_bytes` (0: any number).
    pub fn new(inner: Incoming, max_bytes: u64) -> Self {
        if inner.is_end_stream() {
            return Self::Empty;
        }
        let left = (max_bytes > 0).then_some(max_bytes);
        Self::Streaming(Streaming { inner, left, progress: Arc::default() })
    }

    /// What can be seen of it from outside; none where there is no body.
    pub fn progress(&self) -> Option<Arc<Progress>> {
        match self {
            Self::Empty | Self::Whole(_) => None,
            Self::Streaming(streaming) => Some(streaming.progress.clone()),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Streaming(streaming) => streaming.poll(cx),
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Streaming(streaming) => streaming.inner.is_end_stream(),
            Self::Whole(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Streaming(streaming) => streaming.inner.size_hint(),
            Self::Whole(body) => body.size_hint(),
        }
    }
}

// === impl Streaming ===

impl Streaming {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let frame = match ready!(Pin::new(&mut self.inner).poll_frame(cx)) {
            None => return Poll::Ready(None),
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                self.progress.aborted.store(true, Relaxed);
                return Poll::Ready(Some(Err(RequestBodyError::Client(error))));
            }
        };
        self.progress.frames.fetch_add(1, Relaxed);
        let bytes = frame.data_ref().map_or(0, Bytes::len) as u64;
        if let Some(left) = &mut self.left {
            let Some(rest) = left.checked_sub(bytes) else {
                self.progress.too_large.store(true, Relaxed);
                return Poll::Ready(Some(Err(RequestBodyError::TooLarge)));
            };
            *left = rest;
        }
        Poll::Ready(Some(Ok(frame)))
    }
}

// === impl Progress ===

impl Progress {
    /// Frames that have passed.
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    /// Whether it was longer than allowed.
    pub fn too_large(&self) -> bool {
        self.too_large.load(Relaxed)
    }

    /// Whether the client broke off.
    pub fn aborted(&self) -> bool {
        self.aborted.load(Relaxed)
    }
}

// === impl ResponseBody ===

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Self::Own(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Passed(body) => body.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(body) => body.is_end_stream(),
            Self::Passed(body) => body.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(body) => body.size_hint(),
            Self::Passed(body) => body.size_hint(),
        }
    }
}
