//! The routing table, as it lies on disk and travels to a gateway.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that a gateway routes. It is replaced as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Grows with each change; a gateway keeps the table with the highest.
    pub version: u64,
    /// By target name.
    pub targets: BTreeMap<String, Target>,
    /// What sessions are hashed under. It stays the same from gateway to gateway, so that a session does too.
    #[serde(default)]
    pub secret: [u64; 2],
}

/// How the requests for one target are routed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The route revision; samples are counted apart for each.
    pub revision: u64,
    /// Where its requests come in.
    #[serde(default)]
    pub ingress: Vec<Ingress>,
    /// How one fleet is reached apart from the split.
    #[serde(default)]
    pub preview: Vec<Preview>,
    /// By fleet id.
    #[serde(default)]
    pub fleets: BTreeMap<String, Fleet>,
    /// Shares by fleet, 100 in sum; empty: requests are answered with 503.
    #[serde(default)]
    pub split: Vec<Share>,
    /// Asked in this order before the split.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Copies to one fleet.
    #[serde(default)]
    pub mirror: Option<Mirror>,
    /// Keeps a client on the fleet that it got.
    #[serde(default)]
    pub affinity: Option<Affinity>,
    /// Requests that are counted on their own, at most 32.
    #[serde(default)]
    pub journeys: Vec<Journey>,
    /// Limits, times, what counts as an error.
    #[serde(default)]
    pub policy: Policy,
}

/// Where requests come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingress {
    /// The address of the listening socket.
    pub listen: SocketAddr,
    /// Only requests for this host; none: for any.
    #[serde(default)]
    pub host: Option<String>,
    /// Only requests whose path is this or below it; empty: any. The path is passed on as it is.
    #[serde(default)]
    pub path_prefix: String,
    /// Certificate and key; none: plain text.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// By what requests of one session are known; none: sessions are not counted.
    #[serde(default)]
    pub session: Option<SessionKey>,
    /// The header in which answers of instances say their version; none: they do not.
    #[serde(default)]
    pub version_header: Option<String>,
}

/// By what requests of one session are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionKey {
    /// The cookie of this name.
    Cookie(String),
    /// The header of this name.
    Header(String),
}

/// PEM files; a change of either is taken up within seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// The certificate chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Reaches one fleet whatever the split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The fleet.
    pub fleet: String,
    /// By what it is reached.
    pub by: PreviewBy,
}

/// By what a preview is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewBy {
    /// A listening socket of its own.
    Listen(SocketAddr),
    /// A header with this value, on the target's own ingress.
    Header {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// The instances that a fleet's requests go to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// Those that get requests or still finish some.
    pub instances: Vec<Instance>,
}

/// One instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its uuid.
    pub id: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it speaks there.
    #[serde(default)]
    pub protocol: Protocol,
    /// It gets no new request; what is still open at this time is cut.
    #[serde(default)]
    pub drain_until: Option<Timestamp>,
    /// The version that it runs.
    #[serde(default)]
    pub version: String,
}

/// What an instance speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// HTTP/2 for gRPC requests, HTTP/1.1 for the others.
    #[default]
    Auto,
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS (prior knowledge).
    Http2,
}

/// A fleet's share of the requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The fleet.
    pub fleet: String,
    /// 0–100, exact to 0.001.
    pub percent: f64,
}

/// Sends matching requests to one fleet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The fleet.
    pub fleet: String,
    /// Which.
    #[serde(flatten)]
    pub requests: RequestMatch,
}

/// Some of the requests: all parts must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RequestMatch {
    /// Any of these methods; empty: any.
    pub methods: Vec<String>,
    /// What the path begins with; empty: any.
    pub path_prefix: String,
    /// Headers.
    pub headers: Vec<HeaderMatch>,
    /// Cookies.
    pub cookies: Vec<HeaderMatch>,
}

/// A condition on one header or cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderMatch {
    /// Its name.
    pub name: String,
    /// What its value must be.
    pub value: ValueMatch,
}

/// A condition on a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueMatch {
    /// Anything, as long as the header is there.
    Present,
    /// Exactly this.
    Exact(String),
    /// Begins with this.
    Prefix(String),
}

/// Copies of requests whose answers are ignored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mirror {
    /// The fleet that gets the copies.
    pub fleet: String,
    /// How many of the requests are copied, 0–100.
    pub percent: f64,
    /// Also methods that change things; without it only GET, HEAD and OPTIONS are copied.
    #[serde(default)]
    pub unsafe_methods: bool,
}

/// Keeps a client on the fleet that it got, by a cookie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Affinity {
    /// The cookie's name.
    pub cookie: String,
    /// How long it is kept.
    pub ttl: Duration,
}

/// Requests that are counted on their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journey {
    /// Its name.
    pub name: String,
    /// Which.
    #[serde(flatten)]
    pub requests: RequestMatch,
}

/// Limits, times, what counts as an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// How an instance of a fleet is chosen.
    pub balance: Balance,
    /// For a connection to an instance.
    pub connect_timeout: Duration,
    /// Until an answer's headers, counted from the last byte of the request.
    pub response_timeout: Duration,
    /// How long an idle connection to an instance is kept. Shorter than the instance's own keep-alive time.
    pub idle_timeout: Duration,
    /// Bytes of a request's body; zero: no limit.
    pub max_request_bytes: u64,
    /// Attempts at one request, the first included.
    pub max_attempts: u32,
    /// What counts as an error beside those that always do.
    pub errors: ErrorRules,
}

/// How an instance of a fleet is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The one with the fewest open requests.
    LeastInFlight,
}

/// What counts as an error beside connect failure, reset, timeout, 5xx and the gRPC codes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ErrorRules {
    /// Further statuses.
    pub statuses: Vec<u16>,
    /// 5xx statuses that are none.
    pub not_statuses: Vec<u16>,
    /// An answer with this header.
    pub headers: Vec<HeaderMatch>,
    /// An answer with this trailer.
    pub trailers: Vec<HeaderMatch>,
}

// === impl Policy ===

impl Default for Policy {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(4),
            max_request_bytes: 0,
            max_attempts: 3,
            errors: ErrorRules::default(),
        }
    }
}
