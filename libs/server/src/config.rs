//! What a server is told.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use bellwether_clock::Env;

use crate::{Identities, IdentityFiles, Origin, StartError, tls::Tls};

/// How a server serves. The default is right for one machine: loopback, no TLS, no tokens.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Where identities come from.
    pub identity: IdentityFiles,
    /// Certificate and key; none: plain text, which is refused on any address but loopback unless `insecure`.
    pub tls: Option<TlsFiles>,
    /// Serve plain text on any address.
    pub insecure: bool,
    /// Whose web pages may call over gRPC-Web; none: nobody's.
    pub cors_origins: Vec<Origin>,
    /// How long calls in flight may take to end once the server drains.
    pub grace: Duration,
    /// How often the files of identities and TLS are looked at for changes.
    pub reload_every: Duration,
    /// What bounds each of its resources.
    pub limits: Limits,
}

/// A certificate and its key, PEM. Both are read again when they change.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// The private key (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
}

/// What bounds each resource of a server. tonic leaves most of them open.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Open connections; more wait in the kernel's queue.
    pub connections: usize,
    /// Streams at a time on one HTTP/2 connection.
    pub streams_per_connection: u32,
    /// Streaming calls at a time in this process; more are refused with RESOURCE_EXHAUSTED.
    pub streams: usize,
    /// Unary calls at a time in this process; more are refused with RESOURCE_EXHAUSTED.
    pub unary: usize,
    /// Streams that a client may reset before they were accepted (rapid reset, CVE-2023-44487).
    pub pending_resets: usize,
    /// Streams that this side may reset over errors of the client (RUSTSEC-2024-0003).
    pub local_error_resets: usize,
    /// All headers of a request together, in bytes.
    pub header_list_bytes: u32,
    /// What is buffered for the slow reader of one stream, in bytes, beside the message at hand.
    pub send_buffer_bytes: usize,
    /// Time for a handshake, and for a connection's first request line.
    pub handshake: Duration,
    /// A connection that was silent for this long is pinged…
    pub keepalive_interval: Duration,
    /// …and closed when nothing comes back within this time.
    pub keepalive_timeout: Duration,
    /// A connection is asked to end after this time (±10 %)…
    pub connection_age: Duration,
    /// …and cut after this much more.
    pub connection_age_grace: Duration,
    /// How long the handler of a stream may take to end it once server or connection drain.
    pub drain_patience: Duration,
    /// Deadline of a unary call whose client gave none.
    pub unary_timeout: Duration,
    /// The longest deadline that a unary call may ask for.
    pub longest_deadline: Duration,
}

// === impl ServeConfig ===

impl ServeConfig {
    /// Everything for which [`crate::Server::serve`] would refuse to begin, without beginning: for who starts other things
    /// before it serves, and must not leave them behind.
    ///
    /// # Errors
    /// [`StartError::PlainText`], [`StartError::Identity`], [`StartError::Tls`].
    pub fn check(&self, address: SocketAddr, env: &Env) -> Result<(), StartError> {
        self.may_serve_on(address)?;
        Identities::load(self.identity.clone(), env)?;
        if let Some(tls) = self.tls.clone() {
            Tls::load(tls)?.acceptor()?;
        }
        Ok(())
    }

    /// Plain text is for loopback, unless the command line says otherwise. [`crate::Server::serve`] asks this too; who
    /// starts other things before it serves asks first.
    ///
    /// # Errors
    /// [`StartError::PlainText`].
    pub fn may_serve_on(&self, address: SocketAddr) -> Result<(), StartError> {
        match address.ip().to_canonical().is_loopback() || self.tls.is_some() || self.insecure {
            true => Ok(()),
            false => Err(StartError::PlainText { address }),
        }
    }
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            identity: IdentityFiles::default(),
            tls: None,
            insecure: false,
            cors_origins: Vec::new(),
            grace: Duration::from_secs(10),
            reload_every: Duration::from_secs(2),
            limits: Limits::default(),
        }
    }
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            streams_per_connection: 256,
            streams: 16_384,
            unary: 1024,
            pending_resets: 200,
            local_error_resets: 1024,
            header_list_bytes: 16 * 1024,
            send_buffer_bytes: 64 * 1024,
            handshake: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(20),
            keepalive_timeout: Duration::from_secs(10),
            connection_age: Duration::from_secs(30 * 60),
            connection_age_grace: Duration::from_secs(60),
            drain_patience: Duration::from_secs(2),
            unary_timeout: Duration::from_secs(30),
            longest_deadline: Duration::from_secs(3600),
        }
    }
}
