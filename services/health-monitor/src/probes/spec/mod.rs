//! What a probe says, read and checked as a whole.

mod access;
mod expect;
mod http;
mod read;
mod template;

use std::time::Duration;

use ::http::{HeaderMap, HeaderName, Method};
use regex::Regex;
use url::Url;

pub use self::{
    access::{Access, Address},
    read::{given_id, read},
    template::{SECRET, Template, Values},
};

/// A probe that was found right.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its id.
    pub id: String,
    /// `targets/<application>@<environment>`.
    pub target: String,
    /// The application's id.
    pub application: String,
    /// The environment's id.
    pub environment: String,
    /// From the beginning of one run to that of the next.
    pub interval: Duration,
    /// For all of a run.
    pub timeout: Duration,
    /// So many runs in a row must fail.
    pub failures: u32,
    /// PASS waits for it.
    pub blocking: bool,
    /// What is tried.
    pub kind: Kind,
    /// How the candidate alone is reached.
    pub candidate: Option<Access>,
    /// How the baseline alone is reached.
    pub baseline: Option<Access>,
}

/// What is tried.
#[derive(Clone, Debug)]
pub enum Kind {
    /// HTTP requests.
    Http(Journey),
    /// A TCP connection.
    Tcp(Address),
    /// The health check of gRPC.
    Grpc(Grpc),
}

/// The health check of gRPC.
#[derive(Clone, Debug)]
pub struct Grpc {
    /// Where.
    pub address: Address,
    /// Of which service; empty: the server as a whole.
    pub service: String,
    /// Over TLS.
    pub tls: bool,
}

/// HTTP requests, one after the other.
#[derive(Clone, Debug)]
pub struct Journey {
    /// Where they go.
    pub url: Url,
    /// They.
    pub steps: Vec<Step>,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id.
    pub id: String,
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub place: Place,
    /// Its headers.
    pub headers: Vec<(HeaderName, Template)>,
    /// Its body.
    pub body: Template,
    /// What the answer must be.
    pub expect: Expect,
    /// What is taken of it.
    pub extract: Vec<Extract>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Place {
    /// Below the journey's URL.
    Path(Template),
    /// Somewhere else.
    Url(Template),
}

/// What an answer must be.
#[derive(Clone, Debug, Default)]
pub struct Expect {
    /// One of these; empty: 200–299.
    pub statuses: Vec<u16>,
    /// Headers.
    pub headers: Vec<(HeaderName, Wanted)>,
    /// Texts in the body.
    pub contains: Vec<String>,
    /// Expressions that match in the body.
    pub matches: Vec<Regex>,
    /// Values in the body.
    pub json: Vec<(String, Wanted)>,
    /// The longest latency.
    pub max_latency: Option<Duration>,
}

/// What a text must be: there, and where given, equal and matching.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Equal to this.
    pub equals: Option<String>,
    /// This matches somewhere in it.
    pub matches: Option<Regex>,
}

/// What is taken of an answer.
#[derive(Clone, Debug)]
pub struct Extract {
    /// The name of the value.
    pub name: String,
    /// Where it is.
    pub from: Where,
    /// The part of it.
    pub part: Option<Regex>,
}

/// Where a value is.
#[derive(Clone, Debug)]
pub enum Where {
    /// In a header.
    Header(HeaderName),
    /// In the body, by JSON Pointer.
    Json(String),
    /// It is the body.
    Body,
}

/// The header, and the metadata of gRPC, that says which probe a request is of.
pub const MARK: HeaderName = HeaderName::from_static("bellwether-probe");

// === impl Kind ===

impl Kind {
    /// Where it goes, for people.
    pub fn address(&self) -> String {
        match self {
            Self::Http(journey) => journey.url.to_string(),
            Self::Tcp(address) | Self::Grpc(Grpc { address, .. }) => address.to_string(),
        }
    }

    /// At another address, where that is one of this kind.
    pub fn at(&self, address: &Address) -> Self {
        match (self, address) {
            (Self::Http(journey), Address::Url(url)) => {
                Self::Http(Journey { url: url.clone(), steps: journey.steps.clone() })
            }
            (Self::Tcp(_), Address::Port { .. }) => Self::Tcp(address.clone()),
            (Self::Grpc(grpc), Address::Port { .. }) => {
                Self::Grpc(Grpc { address: address.clone(), ..grpc.clone() })
            }
            (Self::Http(_) | Self::Tcp(_) | Self::Grpc(_), _) => self.clone(),
        }
    }
}

// === impl Access ===

impl Access {
    /// No headers, the probe's own address.
    pub fn own() -> Self {
        Self { address: None, headers: HeaderMap::new(), always: true }
    }
}
