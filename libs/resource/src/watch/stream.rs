//! What a Watch method answers with: messages, or the same as frames that many readers share.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::stream::{BoxStream, Stream, StreamExt as _};
use tonic::{Response, Status};

/// A reader that has not begun to read; it gives messages or frames.
pub(super) trait Opened<M>: Send {
    /// What it reads, one message after the other.
    fn messages(self: Box<Self>) -> BoxStream<'static, Result<M, Status>>;

    /// The same, each as it goes over the wire.
    fn frames(self: Box<Self>) -> BoxStream<'static, Result<Bytes, Status>>;
}

/// Whoever takes it reads; nobody else does.
type Place<M> = Arc<Mutex<Option<Box<dyn Opened<M>>>>>;

/// The messages of a Watch.
///
/// [`WatchStream::respond`] offers the server the same as encoded frames: what a change looks like on the wire is worked out
/// once for all its readers. A server that does not know of that reads the messages.
pub struct WatchStream<M> {
    opened: Place<M>,
    messages: Option<BoxStream<'static, Result<M, Status>>>,
}

/// The frames of a Watch, in the extensions of its response: each is a whole message with its gRPC prefix, not compressed.
#[derive(Clone)]
pub struct Frames(Arc<dyn Offer>);

trait Offer: Send + Sync {
    fn take(&self) -> Option<BoxStream<'static, Result<Bytes, Status>>>;
}

// === impl WatchStream ===

impl<M: Send + 'static> WatchStream<M> {
    pub(super) fn new(opened: impl Opened<M> + 'static) -> Self {
        Self { opened: Arc::new(Mutex::new(Some(Box::new(opened)))), messages: None }
    }

    /// The response of the method, with [`Frames`] in its extensions.
    pub fn respond(self) -> Response<Self> {
        let frames = Frames(Arc::new(self.opened.clone()));
        let mut response = Response::new(self);
        response.extensions_mut().insert(frames);
        response
    }
}

impl<M> Stream for WatchStream<M> {
    type Item = Result<M, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.messages.is_none() {
            this.messages = take(&this.opened).map(Opened::messages);
        }
        match &mut this.messages {
            Some(messages) => messages.poll_next_unpin(cx),
            None => Poll::Ready(None),
        }
    }
}

impl<M> fmt::Debug for WatchStream<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream").finish_non_exhaustive()
    }
}

// === impl Frames ===

impl Frames {
    /// The frames, for whoever asks first; from then on the response's own stream is empty. An error is the status that
    /// the stream ends with.
    pub fn take(&self) -> Option<BoxStream<'static, Result<Bytes, Status>>> {
        self.0.take()
    }
}

impl<M> Offer for Mutex<Option<Box<dyn Opened<M>>>> {
    fn take(&self) -> Option<BoxStream<'static, Result<Bytes, Status>>> {
        take(self).map(Opened::frames)
    }
}

impl<O: Offer> Offer for Arc<O> {
    fn take(&self) -> Option<BoxStream<'static, Result<Bytes, Status>>> {
        O::take(self)
    }
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Frames")
    }
}

fn take<M>(opened: &Mutex<Option<Box<dyn Opened<M>>>>) -> Option<Box<dyn Opened<M>>> {
    opened.lock().unwrap_or_else(PoisonError::into_inner).take()
}
