//! One instance as the gateway knows it: its connections, what is open towards it, whether it answers.

use std::{
    net::SocketAddr,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicI64, AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Duration,
};

use bellwether_clock::{Env, spawn};
use http::uri::Authority;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustix::net::Shutdown;
use tokio::{net::TcpStream, sync::watch, time::timeout};

use super::{
    body::RequestBody,
    pool::Lane,
    seldom::{Either, either},
};

/// How long others are preferred to an instance that refused a connection.
const AVOID_FOR: Duration = Duration::from_secs(1);

/// A connection for HTTP/1.1 requests, one at a time.
pub type Http1 = http1::SendRequest<RequestBody>;
/// A connection for HTTP/2 requests, many at a time.
pub type Http2 = http2::SendRequest<RequestBody>;

/// One instance.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    in_flight: AtomicUsize,
    cut_by_drain: AtomicU64,
    avoid_until_ms: AtomicI64,
    /// Turns true once, at a drain's deadline: every connection ends then.
    cut: Arc<Cut>,
    lanes: Box<[Lane]>,
}

/// The drain's deadline.
#[derive(Debug, Default)]
struct Cut {
    /// Looked at with each poll of a connection.
    happened: AtomicBool,
    told: watch::Sender<bool>,
}

// === impl Upstream ===

impl Upstream {
    /// At `address`, with separate connections for each of the `workers`.
    pub fn new(address: SocketAddr, workers: usize) -> Self {
        Self {
            address,
            in_flight: AtomicUsize::new(0),
            cut_by_drain: AtomicU64::new(0),
            avoid_until_ms: AtomicI64::new(0),
            cut: Arc::default(),
            lanes: (0..workers.max(1)).map(|_| Lane::default()).collect(),
        }
    }

    /// What a request that names no host is addressed to.
    pub fn authority(&self) -> Option<Authority> {
        self.address.to_string().parse().ok()
    }

    /// The connections of one worker.
    pub fn lane(&self, worker: usize) -> &Lane {
        // a worker's number is below their count; should it ever not be, it shares connections
        self.lanes.get(worker).unwrap_or(&self.lanes[0])
    }

    /// Drops connections that were idle for longer than `idle`.
    pub fn trim(&self, env: &Env, idle: Duration) {
        self.lanes.iter().for_each(|lane| lane.trim(env, idle));
    }

    /// One more request is open.
    pub fn enter(&self) {
        self.in_flight.fetch_add(1, Relaxed);
    }

    /// One request less is open.
    pub fn leave(&self) {
        self.in_flight.fetch_sub(1, Relaxed);
    }

    /// Requests and streams now open.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// Ends every connection; what is open on them counts as cut by the drain.
    pub fn cut(&self) {
        self.cut.happened.store(true, Release);
        self.cut.told.send_if_modified(|cut| !std::mem::replace(cut, true));
    }

    /// Whether the drain's deadline has passed.
    pub fn is_cut(&self) -> bool {
        self.cut.happened.load(Acquire)
    }

    /// Waits for the drain's deadline.
    pub async fn wait_cut(&self) {
        wait_cut(self.cut.told.subscribe()).await;
    }

    /// Counts something that the drain's deadline cut.
    pub fn count_cut(&self) {
        self.cut_by_drain.fetch_add(1, Relaxed);
    }

    /// What the drain's deadline has cut.
    pub fn cut_by_drain(&self) -> u64 {
        self.cut_by_drain.load(Relaxed)
    }

    /// Prefers others for a moment.
    pub fn avoid(&self, env: &Env) {
        let until =
            env.now().as_millisecond().saturating_add(i64::try_from(AVOID_FOR.as_millis()).unwrap_or(0));
        self.avoid_until_ms.store(until, Relaxed);
    }

    /// Whether others are preferred now.
    pub fn is_avoided(&self, env: &Env) -> bool {
        let until = self.avoid_until_ms.load(Relaxed);
        until != 0 && env.now().as_millisecond() < until
    }

    /// It answered: no reason to avoid it.
    pub fn answered(&self) {
        if self.avoid_until_ms.load(Relaxed) != 0 {
            self.avoid_until_ms.store(0, Relaxed);
        }
    }

    /// A new connection for HTTP/1.1.
    ///
    /// # Errors
    /// Refused, unreachable, or not made within `within`.
    pub async fn connect_http1(&self, within: Duration) -> std::io::Result<Http1> {
        let (stream, socket) = self.connect(within).await?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        spawn("upstream http1", serve(connection.with_upgrades(), socket, self.cut.clone()));
        Ok(sender)
    }

    /// A new connection for HTTP/2 by prior knowledge.
    ///
    /// # Errors
    /// Refused, unreachable, or not made within `within`.
    pub async fn connect_http2(&self, within: Duration) -> std::io::Result<Http2> {
        let (stream, socket) = self.connect(within).await?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).adaptive_window(true);
        builder.keep_alive_interval(Duration::from_secs(20)).keep_alive_timeout(Duration::from_secs(10));
        let handshake = timeout(within, builder.handshake(TokioIo::new(stream))).await.map_err(timed_out)?;
        let (sender, connection) = handshake.map_err(std::io::Error::other)?;
        spawn("upstream http2", serve(connection, socket, self.cut.clone()));
        Ok(sender)
    }

    /// A connection, and another descriptor of it, by which it is cut.
    async fn connect(&self, within: Duration) -> std::io::Result<(TcpStream, OwnedFd)> {
        let stream = timeout(within, TcpStream::connect(self.address)).await.map_err(timed_out)??;
        stream.set_nodelay(true)?;
        let socket = stream.as_fd().try_clone_to_owned()?;
        Ok((stream, socket))
    }
}

/// Drives a connection to its end. At the drain's deadline its socket is shut down, so that whoever reads an answer
/// sees it break off; were the connection just dropped, an answer without a length would look complete.
async fn serve<E>(connection: impl Future<Output = Result<(), E>>, socket: OwnedFd, cut: Arc<Cut>) {
    let mut connection = std::pin::pin!(connection);
    let told = std::pin::pin!(wait_cut(cut.told.subscribe()));
    if let Either::Often(_) = either(connection.as_mut(), told, || cut.happened.load(Acquire)).await {
        return;
    }
    // one that is closed already needs no more
    let _ = rustix::net::shutdown(socket, Shutdown::Both);
    let _ = connection.await;
}

async fn wait_cut(mut cut: watch::Receiver<bool>) {
    if cut.wait_for(|cut| *cut).await.is_err() {
        // the instance is forgotten and its deadline with it; its connections end by themselves
        std::future::pending::<()>().await;
    }
}

fn timed_out(_: tokio::time::error::Elapsed) -> std::io::Error {
    std::io::ErrorKind::TimedOut.into()
}
