//! One frame: four bytes of length (big endian), then that many bytes of JSON. File descriptors that travel with
//! a frame are ancillary data of its bytes.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use thiserror::Error;
use tokio::{io::Interest, net::UnixStream};

use super::fds;

/// A larger frame is refused: nothing that is said here comes near it.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// What was read.
#[derive(Debug)]
pub struct Frame {
    /// The JSON text.
    pub body: Vec<u8>,
    /// The descriptors that came with it, in the order in which they were sent.
    pub fds: Vec<OwnedFd>,
}

/// Why a frame was not read or written.
#[derive(Debug, Error)]
pub enum FrameError {
    /// The other side closed the socket inside a frame.
    #[error("the other side closed inside a frame")]
    Truncated,
    /// The length is over the limit.
    #[error("a frame of {0} bytes is over the limit")]
    TooLarge(usize),
    /// The socket failed.
    #[error("control socket")]
    Io(#[from] std::io::Error),
}

/// Reads one frame; `None` when the other side closed between frames.
///
/// # Errors
/// A closed or broken socket inside a frame; a frame over the limit.
pub async fn read_frame(stream: &UnixStream) -> Result<Option<Frame>, FrameError> {
    let mut fds = Vec::new();
    let mut length = [0u8; 4];
    if !fill(stream, &mut length, &mut fds).await? {
        return Ok(None);
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_BYTES {
        return Err(FrameError::TooLarge(length));
    }
    let mut body = vec![0u8; length];
    if !fill(stream, &mut body, &mut fds).await? && length > 0 {
        return Err(FrameError::Truncated);
    }
    Ok(Some(Frame { body, fds }))
}

/// Writes one frame; the descriptors travel with its first bytes.
///
/// # Errors
/// A broken socket; a frame over the limit.
pub async fn write_frame(stream: &UnixStream, body: &[u8], fds: &[BorrowedFd<'_>]) -> Result<(), FrameError> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= MAX_BYTES);
    let length = length.ok_or(FrameError::TooLarge(body.len()))?;
    let mut bytes = Vec::with_capacity(body.len() + 4);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(body);
    let mut rest: &[u8] = &bytes;
    let mut fds = fds;
    while !rest.is_empty() {
        let sent = stream
            .async_io(Interest::WRITABLE, || fds::send(stream.as_fd(), rest, fds).map_err(Into::into))
            .await?;
        fds = &[];
        rest = rest.get(sent..).unwrap_or_default();
    }
    Ok(())
}

/// Fills `into`; `false` when the other side closed before the first byte.
async fn fill(stream: &UnixStream, into: &mut [u8], fds: &mut Vec<OwnedFd>) -> Result<bool, FrameError> {
    let mut filled = 0;
    while filled < into.len() {
        let rest = into.get_mut(filled..).unwrap_or_default();
        let read = stream
            .async_io(Interest::READABLE, || fds::receive(stream.as_fd(), rest, fds).map_err(Into::into))
            .await?;
        match (read, filled) {
            (0, 0) => return Ok(false),
            (0, _) => return Err(FrameError::Truncated),
            (read, _) => filled += read,
        }
    }
    Ok(true)
}
