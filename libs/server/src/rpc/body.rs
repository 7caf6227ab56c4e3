//! A response body that is watched to its end.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Body;
use bellwether_resource::error::{INTERNAL, Problem};
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tonic::{Code, Status};
use tracing::Span;

use super::{ending::Ending, frames::trailers, measure::Measured, normal::normalise};

/// Normalises the trailers, ends when the call has to, turns a panic into INTERNAL, and tells the metrics and the span how
/// it ended.
pub(super) struct Watched {
    inner: Option<Body>,
    ending: Ending,
    end: End,
}

/// What lasts as long as the call.
pub(super) struct End {
    pub(super) measured: Measured,
    pub(super) span: Span,
    pub(super) room: Option<OwnedSemaphorePermit>,
}

// === impl Watched ===

impl Watched {
    pub(super) fn new(inner: Body, ending: Ending, end: End) -> Self {
        Self { inner: Some(inner), ending, end }
    }

    /// Ends here, with this refusal in the trailers.
    fn cut(&mut self, refusal: Problem) -> Frame<Bytes> {
        self.inner = None;
        let status = Status::from(refusal);
        self.end.ended(status.code());
        Frame::trailers(trailers(&status))
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        if let Poll::Ready(refusal) = this.ending.as_mut().poll(cx) {
            return Poll::Ready(Some(Ok(this.cut(refusal))));
        }
        // the span is not entered for every part of a stream: what has something to log keeps the span of its call
        match catch_unwind(AssertUnwindSafe(|| Pin::new(inner).poll_frame(cx))) {
            Err(panic) => {
                let refusal = this.end.span.in_scope(|| panicked(&*panic));
                Poll::Ready(Some(Ok(this.cut(refusal))))
            }
            Ok(Poll::Ready(Some(Ok(mut frame)))) => {
                if let Some(code) = frame.trailers_mut().and_then(normalise) {
                    this.end.ended(code);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Ok(other) => other,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

// === impl End ===

impl End {
    /// The call is over; what it held is free.
    pub(super) fn ended(&mut self, code: Code) {
        self.measured.end(code);
        self.span.record("code", tracing::field::debug(code));
        if matches!(code, Code::Internal | Code::Unknown | Code::DataLoss) {
            self.span.in_scope(|| tracing::error!(?code, "a call failed"));
        }
        self.room = None;
    }
}

/// The answer to a call whose handler panicked; the panic is logged, its text is not sent.
pub(super) fn panicked(panic: &(dyn Any + Send)) -> Problem {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("(no text)");
    tracing::error!(panic = text, "a handler panicked");
    INTERNAL.because("the server failed at this call")
}
