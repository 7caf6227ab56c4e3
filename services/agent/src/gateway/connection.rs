//! One client connection.

use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Request, Version};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::{
    headers::Peer,
    proxy::Proxy,
    seldom::{Either, either},
    state::State,
    worker::Accepted,
};

/// A request's head must have come within this, and a connection that asks nothing is closed after it.
const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// The same for a TLS handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// A head that is larger, or has more than 100 headers (hyper's own limit: for another it takes memory anew for each
/// request), is answered with 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_STREAMS: u32 = 256;
/// Streams that a client opens and resets before they were looked at; more end the connection.
const MAX_PENDING_RESETS: usize = 20;
/// After the deadline, for the last words.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Serves HTTP/1.1 and HTTP/2.
pub type Server = auto::Builder<TokioExecutor>;

/// With the limits of this file.
pub fn builder() -> Server {
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(MAX_HEAD_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD_BYTES as u32)
        .max_pending_accept_reset_streams(MAX_PENDING_RESETS)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10));
    server
}

/// Serves one client connection to its end.
pub async fn serve(server: Server, state: Arc<State>, worker: usize, accepted: Accepted) {
    let Accepted { stream, peer, listen, permit } = accepted;
    let counted = Counted::new(state.clone());
    if let Err(error) = serve_stream(&server, state, worker, stream, peer, listen).await {
        tracing::debug!(%error, %peer, "a client connection ended");
    }
    drop((permit, counted));
}

async fn serve_stream(
    server: &Server,
    state: Arc<State>,
    worker: usize,
    stream: std::net::TcpStream,
    peer: std::net::SocketAddr,
    listen: std::net::SocketAddr,
) -> io::Result<()> {
    let stream = TcpStream::from_std(stream)?;
    stream.set_nodelay(true)?;
    let tls = state.tls.config(listen);
    if tls.is_none() && state.table.load().entries.wants_tls(listen) {
        return Err(io::Error::other("there is no usable certificate"));
    }
    let proxy = Arc::new(Proxy { state, worker, listen, peer: Peer::new(peer.ip(), tls.is_some()) });
    match tls {
        None => serve_io(server, stream, proxy).await,
        Some(config) => {
            let stream = timeout(HANDSHAKE_WITHIN, TlsAcceptor::from(config).accept(stream)).await;
            serve_io(server, stream.map_err(|_| io::ErrorKind::TimedOut)??, proxy).await
        }
    }
}

/// When the gateway is being replaced, an HTTP/2 connection is told so at once (GOAWAY). One of HTTP/1.1 ends with
/// the answer to its next request instead: closing it while it is idle could meet a request that is on its way.
async fn serve_io<S>(server: &Server, stream: S, proxy: Arc<Proxy>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (retiring, state) = (proxy.state.retiring.subscribe(), proxy.state.clone());
    let http2 = Arc::new(AtomicBool::new(false));
    let service = {
        let http2 = http2.clone();
        service_fn(move |request: Request<Incoming>| {
            if request.version() == Version::HTTP_2 {
                http2.store(true, Relaxed);
            }
            let proxy = proxy.clone();
            async move { Ok::<_, Infallible>(proxy.handle(request).await) }
        })
    };
    let connection = server.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let begun = std::pin::pin!(retiring.begun());
    if let Either::Often(ended) = either(connection.as_mut(), begun, || state.is_retiring()).await {
        return ended.map_err(io::Error::other);
    }
    if http2.load(Relaxed) {
        connection.as_mut().graceful_shutdown();
    }
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(io::Error::other),
        () = retiring.deadline() => connection.as_mut().graceful_shutdown(),
    }
    timeout(LAST_WORDS, connection).await.map_err(|_| io::ErrorKind::TimedOut)?.map_err(io::Error::other)
}

/// One of the open connections.
struct Counted(Arc<State>);

// === impl Counted ===

impl Counted {
    fn new(state: Arc<State>) -> Self {
        state.connections.fetch_add(1, Relaxed);
        Self(state)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Relaxed);
    }
}
