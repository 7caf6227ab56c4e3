//! Knows whether the other end has said enough for its protocol to be recognised.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Length of the HTTP/2 connection preface: who has sent as much has chosen a protocol.
const PREFACE: usize = 24;

/// Counts the bytes that were read, up to the preface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Greeting(Arc<AtomicUsize>);

/// A connection that tells its [`Greeting`] what it reads.
pub(crate) struct Greeted<I> {
    io: I,
    greeting: Greeting,
}

// === impl Greeting ===

impl Greeting {
    pub(crate) fn of<I>(&self, io: I) -> Greeted<I> {
        Greeted { io, greeting: self.clone() }
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.0.load(Ordering::Relaxed) >= PREFACE
    }

    fn add(&self, read: usize) {
        if !self.is_complete() {
            self.0.fetch_add(read, Ordering::Relaxed);
        }
    }
}

// === impl Greeted ===

impl<I: AsyncRead + Unpin> AsyncRead for Greeted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        self.greeting.add(buf.filled().len() - before);
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Greeted<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
