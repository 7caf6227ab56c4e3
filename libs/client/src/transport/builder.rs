//! How a transport is made.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::{Headers, Transport, pool::Pool};

/// Deadline of unary calls that have none.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was silent for this long is pinged…
const KEEPALIVE: Duration = Duration::from_secs(20);
/// …and given up when nothing comes back within this time.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Room for the details of an error.
const HEADER_LIST_BYTES: u32 = 64 * 1024;

/// Collects what a [`Transport`] needs.
#[derive(Clone, Debug)]
pub struct Builder {
    url: String,
    token: Option<String>,
    token_file: Option<PathBuf>,
    service: Option<&'static str>,
    ca_file: Option<PathBuf>,
    timeout: Duration,
}

/// Why a transport cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The URL is none, or TLS cannot be set up for it.
    #[error("{url:?} is no URL of a server; give e.g. http://127.0.0.1:7420")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong.
        #[source]
        source: tonic::transport::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The token cannot be sent in a header.
    #[error("the token holds characters that no token has")]
    Token,
}

// === impl Builder ===

impl Builder {
    pub(super) fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        Self { url, token: None, token_file: None, service: None, ca_file: None, timeout: TIMEOUT }
    }

    /// Sends this bearer token.
    pub fn token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Sends the bearer token of this file, read once.
    pub fn token_file(self, path: impl Into<PathBuf>) -> Self {
        Self { token_file: Some(path.into()), ..self }
    }

    /// The same with the service token's file; None: no token is sent.
    pub fn service_token_file(self, path: Option<impl Into<PathBuf>>) -> Self {
        match path {
            Some(path) => self.token_file(path),
            None => self,
        }
    }

    /// Calls under this name with the service token, e.g. `release-planner`.
    pub fn service(self, name: &'static str) -> Self {
        Self { service: Some(name), ..self }
    }

    /// Trusts the certificates of this PEM file instead of the system's (for `https://`).
    pub fn ca_file(self, path: impl Into<PathBuf>) -> Self {
        Self { ca_file: Some(path.into()), ..self }
    }

    /// Deadline of unary calls that have none; 30 s unless told otherwise.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Makes it; connects later. Within a Tokio runtime.
    ///
    /// # Errors
    /// [`TransportError`].
    pub fn build(self) -> Result<Transport, TransportError> {
        self.build_with(Endpoint::connect_lazy)
    }

    /// Makes it with another way to open connections, e.g. those of a simulation.
    ///
    /// # Errors
    /// [`TransportError`].
    pub fn build_with(
        self,
        open: impl Fn(&Endpoint) -> Channel + Send + Sync + 'static,
    ) -> Result<Transport, TransportError> {
        let mut headers = Headers::new(self.timeout);
        if let Some(token) = self.read_token()? {
            headers = headers.token(token.trim()).ok_or(TransportError::Token)?;
        }
        if let Some(service) = self.service {
            headers = headers.service(service);
        }
        let endpoint = self.endpoint()?;
        Ok(Transport { pool: Arc::new(Pool::new(move || open(&endpoint))), headers })
    }

    fn read_token(&self) -> Result<Option<String>, TransportError> {
        match (&self.token, &self.token_file) {
            (Some(token), _) => Ok(Some(token.clone())),
            (None, Some(path)) => read(path, |path| fs::read_to_string(path)).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn endpoint(&self) -> Result<Endpoint, TransportError> {
        let wrong = |source| TransportError::Url { url: self.url.clone(), source };
        let endpoint = Endpoint::from_shared(self.url.clone())
            .map_err(wrong)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .keep_alive_while_idle(true)
            .http2_max_header_list_size(HEADER_LIST_BYTES)
            .tcp_nodelay(true);
        if endpoint.uri().scheme_str() != Some("https") {
            return Ok(endpoint);
        }
        let tls = match &self.ca_file {
            Some(path) => ClientTlsConfig::new()
                .ca_certificate(Certificate::from_pem(read(path, |path| fs::read(path))?)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        endpoint.tls_config(tls).map_err(wrong)
    }
}

fn read<T>(path: &Path, how: impl Fn(&Path) -> io::Result<T>) -> Result<T, TransportError> {
    how(path).map_err(|source| TransportError::File { path: path.to_owned(), source })
}
