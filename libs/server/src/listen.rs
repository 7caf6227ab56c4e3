//! Where connections come from.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

use crate::StartError;

/// A source of connections: TCP, or the one of a simulation.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// The next connection with the address of its other end. Cancel-safe.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Io, SocketAddr)>> + Send;

    /// The address that it listens on.
    ///
    /// # Errors
    /// I/O errors.
    fn local_addr(&self) -> io::Result<SocketAddr>;
}

// === impl TcpListener ===

impl Listener for TcpListener {
    type Io = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<(Self::Io, SocketAddr)> {
        let (stream, remote) = Self::accept(self).await?;
        // small frames of many streams wait for nothing
        stream.set_nodelay(true)?;
        Ok((stream, remote))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Self::local_addr(self)
    }
}

/// Listens on `address`; port 0 takes a free one.
///
/// # Errors
/// [`StartError::AddressInUse`], [`StartError::Listen`].
pub async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::AddressInUse { address, source },
        _ => StartError::Listen { address, source },
    })
}
