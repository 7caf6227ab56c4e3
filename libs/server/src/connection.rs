//! One connection from its handshake to its end.

use std::{net::SocketAddr, pin::pin, sync::Arc};

use axum::{Router, body::Body};
use bellwether_clock::Env;
use http::Request;
use hyper::{body::Incoming, rt::Executor, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::{Limits, Peer, Shutdown, greeting::Greeting};

/// What all connections share.
pub(crate) struct Connections {
    env: Env,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    router: Router,
    http: Builder<Tasks>,
}

/// Spawns the tasks of HTTP/2 streams.
#[derive(Clone, Copy, Debug)]
struct Tasks;

// === impl Connections ===

impl Connections {
    pub(crate) fn new(env: Env, limits: Limits, tls: Option<TlsAcceptor>, router: Router) -> Arc<Self> {
        let http = http(&limits);
        Arc::new(Self { env, limits, tls, router, http })
    }

    /// How many may be open at a time.
    pub(crate) fn most(&self) -> usize {
        self.limits.connections
    }

    /// Serves one connection until it ends, has reached its age, or `shutdown` fires; then its streams are told to end
    /// and it closes when they have.
    pub(crate) async fn serve<I>(&self, io: I, remote: SocketAddr, local: SocketAddr, shutdown: Shutdown)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let loopback = remote.ip().to_canonical().is_loopback() && local.ip().to_canonical().is_loopback();
        let peer = Peer { remote, loopback };
        match &self.tls {
            None => self.serve_http(io, peer, shutdown).await,
            Some(tls) => match tokio::time::timeout(self.limits.handshake, tls.accept(io)).await {
                Ok(Ok(io)) => self.serve_http(io, peer, shutdown).await,
                Ok(Err(error)) => tracing::debug!(%remote, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%remote, "TLS handshake took too long"),
            },
        }
    }

    async fn serve_http<I>(&self, io: I, peer: Peer, shutdown: Shutdown)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let greeting = Greeting::default();
        let ending = shutdown.child();
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(ending.clone());
            self.router.clone().oneshot(request.map(Body::new))
        });
        let io = TokioIo::new(greeting.of(io));
        let mut connection = pin!(self.http.serve_connection(io, service));
        let mut age = pin!(tokio::time::sleep(self.env.jitter(self.limits.connection_age, 10)));
        let mut greeted = pin!(tokio::time::sleep(self.limits.handshake));
        let mut watching = true;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return log_end(peer, ended),
                () = ending.triggered() => break,
                () = age.as_mut() => break,
                () = greeted.as_mut(), if watching => {
                    if !greeting.is_complete() {
                        return tracing::debug!(remote = %peer.remote, "connection said nothing");
                    }
                    watching = false;
                }
            }
        }
        ending.trigger();
        connection.as_mut().graceful_shutdown();
        match tokio::time::timeout(self.limits.connection_age_grace, connection).await {
            Ok(ended) => log_end(peer, ended),
            Err(_) => tracing::debug!(remote = %peer.remote, "connection was cut after its grace"),
        }
    }
}

// === impl Tasks ===

impl<F> Executor<F> for Tasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        drop(bellwether_clock::spawn_nameless(task));
    }
}

fn http(limits: &Limits) -> Builder<Tasks> {
    let mut http = Builder::new(Tasks);
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.handshake)
        .max_headers(100)
        .max_buf_size((limits.header_list_bytes as usize).max(8 * 1024));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_per_connection)
        .max_pending_accept_reset_streams(limits.pending_resets)
        .max_local_error_reset_streams(limits.local_error_resets)
        .max_header_list_size(limits.header_list_bytes)
        .max_send_buf_size(limits.send_buffer_bytes)
        .keep_alive_interval(limits.keepalive_interval)
        .keep_alive_timeout(limits.keepalive_timeout);
    http
}

fn log_end(peer: Peer, ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(remote = %peer.remote, %error, "connection ended");
    }
}
