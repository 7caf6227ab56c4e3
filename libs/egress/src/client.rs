//! The client that makes the calls.

use std::{error::Error, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::Url;

use crate::{AddressPolicy, Lookup, SystemLookup, resolver, roots::SystemRoots};

/// Makes calls inside the policy; cheap to clone.
#[derive(Clone)]
pub struct Client {
    way: Arc<dyn Exchange>,
    policy: Arc<AddressPolicy>,
}

/// How a call that may be made gets there and back: over the system's network, or over that of a simulation.
#[async_trait]
pub trait Exchange: Send + Sync + 'static {
    /// Makes the call.
    ///
    /// # Errors
    /// As [`Client::send`].
    async fn exchange(&self, call: Call) -> Result<Answer, SendError>;
}

/// The system's network.
struct System {
    http: reqwest::Client,
    answer_bytes: usize,
    /// None: it trusts certificates that it was given.
    roots: Option<SystemRoots>,
}

/// What a call may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for a connection with its TLS handshake. Default 5 s.
    pub connect: Duration,
    /// Bytes of an answer's body that are read. Default 64 KiB.
    pub answer_bytes: usize,
}

/// A call to make.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// Where; `http` or `https`.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// Time for all of it, the answer's body included.
    pub timeout: Duration,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status; a redirect is an answer like any other.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// The body, as far as it was read.
    pub body: Bytes,
    /// There was more, or it did not come in time.
    pub truncated: bool,
}

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be built")]
pub struct BuildError(#[from] reqwest::Error);

/// Nothing came back.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The address is one that may not be called. Nothing was sent.
    #[error(
        "{host} is at an address that may not be called; allow its network in the configuration of the service that calls"
    )]
    Refused {
        /// The URL's host.
        host: String,
    },
    /// The URL cannot be called. Nothing was sent.
    #[error("only http and https URLs with a host can be called")]
    Url,
    /// `https`, and the system has no certificates of authorities to check the other side with. Nothing was sent.
    #[error(
        "this machine has no certificates of authorities, without which https cannot be checked: install the package \
         ca-certificates, or name a file of them in SSL_CERT_FILE"
    )]
    NoRoots,
    /// It took too long; it may have arrived.
    #[error("no answer in time")]
    Timeout,
    /// No connection. Nothing was sent.
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
    /// The connection broke; it may have arrived.
    #[error("the connection broke")]
    Transfer(#[source] reqwest::Error),
}

const USER_AGENT: &str = concat!("bellwether/", env!("CARGO_PKG_VERSION"));

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer_bytes: 64 * 1024 }
    }
}

// === impl Client ===

impl Client {
    /// A client that resolves with the system's resolver, and trusts the system's certificate authorities, which it reads
    /// at the first call over `https`.
    ///
    /// # Errors
    /// Where the operating system refuses what a client is made of.
    pub fn new(policy: AddressPolicy, limits: Limits) -> Result<Self, BuildError> {
        Self::with_lookup(policy, limits, SystemLookup)
    }

    /// A client that trusts these certificates (PEM) instead of the system's.
    ///
    /// # Errors
    /// When they are no certificates.
    pub fn trusting(policy: AddressPolicy, limits: Limits, roots: &[u8]) -> Result<Self, BuildError> {
        let roots = reqwest::Certificate::from_pem_bundle(roots)?;
        Self::build(policy, limits, SystemLookup, None, |builder| builder.tls_certs_only(roots))
    }

    /// A client that resolves with `lookup`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_lookup(
        policy: AddressPolicy,
        limits: Limits,
        lookup: impl Lookup,
    ) -> Result<Self, BuildError> {
        Self::with_roots(policy, limits, lookup, SystemRoots::new())
    }

    pub(crate) fn with_roots(
        policy: AddressPolicy,
        limits: Limits,
        lookup: impl Lookup,
        roots: SystemRoots,
    ) -> Result<Self, BuildError> {
        bellwether_server::install_crypto_provider();
        let tls = roots.config();
        Self::build(policy, limits, lookup, Some(roots), |builder| builder.tls_backend_preconfigured(tls))
    }

    fn build(
        policy: AddressPolicy,
        limits: Limits,
        lookup: impl Lookup,
        roots: Option<SystemRoots>,
        finish: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder,
    ) -> Result<Self, BuildError> {
        bellwether_server::install_crypto_provider();
        let policy = Arc::new(policy);
        let resolver = resolver::FilteredResolver { policy: policy.clone(), lookup: Arc::new(lookup) };
        let builder = reqwest::Client::builder()
            .dns_resolver(Arc::new(resolver))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(limits.connect)
            .pool_max_idle_per_host(2);
        let http = finish(builder).build()?;
        Ok(Self { way: Arc::new(System { http, answer_bytes: limits.answer_bytes, roots }), policy })
    }

    /// A client over another network. The policy holds for addresses in URLs; names are resolved by `way`.
    pub fn over(policy: AddressPolicy, way: impl Exchange) -> Self {
        Self { way: Arc::new(way), policy: Arc::new(policy) }
    }

    /// The addresses it calls.
    pub fn policy(&self) -> &AddressPolicy {
        &self.policy
    }

    /// Makes the call.
    ///
    /// # Errors
    /// When no status came back. What may have arrived is said by the variant.
    pub async fn send(&self, call: Call) -> Result<Answer, SendError> {
        let host = callable(&call.url)?.to_owned();
        if !self.policy.permits_host(&host) {
            return Err(SendError::Refused { host });
        }
        self.way.exchange(call).await
    }
}

// === impl System ===

#[async_trait]
impl Exchange for System {
    async fn exchange(&self, call: Call) -> Result<Answer, SendError> {
        let host = callable(&call.url)?.to_owned();
        if let Some(roots) = self.roots.as_ref().filter(|_| call.url.scheme() == "https") {
            roots.ready().await?;
        }
        let request = self.http.request(call.method, call.url).headers(call.headers).body(call.body);
        match request.timeout(call.timeout).send().await {
            Ok(response) => Ok(self.read(response).await),
            Err(error) => Err(classify(error, host)),
        }
    }
}

impl System {
    async fn read(&self, mut response: reqwest::Response) -> Answer {
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = BytesMut::new();
        let truncated = loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > self.answer_bytes => {
                    let room = self.answer_bytes - body.len();
                    body.extend_from_slice(&chunk.slice(..room));
                    break true;
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break false,
                // the status is the answer; the body is for people
                Err(_) => break true,
            }
        };
        Answer { status, headers, body: body.freeze(), truncated }
    }
}

fn callable(url: &Url) -> Result<&str, SendError> {
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(host)) => Ok(host),
        _ => Err(SendError::Url),
    }
}

fn classify(error: reqwest::Error, host: String) -> SendError {
    if is_refusal(&error) {
        return SendError::Refused { host };
    }
    // the URL may hold a secret
    let error = error.without_url();
    if error.is_connect() {
        SendError::Connect(error)
    } else if error.is_timeout() {
        SendError::Timeout
    } else {
        SendError::Transfer(error)
    }
}

fn is_refusal(error: &reqwest::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if error.is::<resolver::Refused>() {
            return true;
        }
        next = error.source();
    }
    false
}
