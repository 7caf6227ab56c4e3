//! Two byte streams tied together, with a proper end for WebSockets.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};

use super::websocket::{self, Frames};

const BUFFER: usize = 16 * 1024;

/// How a tunnel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// One side closed or broke.
    Closed,
    /// It was cut.
    Cut,
}

/// Passes bytes both ways until both sides have closed, either breaks, or `cut` completes. A WebSocket that is cut
/// gets a close frame (1001, going away) on both sides, where no frame is under way.
pub async fn run<C, I, F>(client: C, instance: I, websocket: bool, cut: impl Fn() -> F) -> End
where
    C: AsyncRead + AsyncWrite,
    I: AsyncRead + AsyncWrite,
    F: Future<Output = ()>,
{
    let (from_client, to_client) = split(client);
    let (from_instance, to_instance) = split(instance);
    let down = pump(from_instance, to_client, websocket.then_some(websocket::GOING_AWAY), cut());
    let up = pump(from_client, to_instance, websocket.then_some(websocket::GOING_AWAY_MASKED), cut());
    match tokio::join!(down, up) {
        (End::Closed, End::Closed) => End::Closed,
        _ => End::Cut,
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    close: Option<&'static [u8]>,
    cut: impl Future<Output = ()>,
) -> End {
    let mut cut = std::pin::pin!(cut);
    let mut buffer = vec![0; BUFFER];
    let mut frames = Frames::default();
    let end = loop {
        let read = tokio::select! {
            read = from.read(&mut buffer) => read.unwrap_or(0),
            () = cut.as_mut() => break End::Cut,
        };
        let bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() || to.write_all(bytes).await.is_err() {
            break End::Closed;
        }
        if close.is_some() {
            frames.pass(bytes);
        }
    };
    if let (End::Cut, Some(close), true) = (end, close, frames.is_between()) {
        // the stream ends either way
        let _ = to.write_all(close).await;
    }
    let _ = to.shutdown().await;
    end
}
