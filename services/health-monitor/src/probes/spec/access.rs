//! Where a probe goes.

use std::{collections::HashMap, fmt};

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::MARK;

/// How one version alone is reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// Where; None: at the probe's own address.
    pub address: Option<Address>,
    /// Added to requests, or to the call's metadata.
    pub headers: HeaderMap,
    /// Whenever there is a candidate, not only on its preview route.
    pub always: bool,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// Of HTTP.
    Url(Url),
    /// A host, as in a URL, and a port.
    Port {
        /// The host; an IPv6 address in brackets.
        host: String,
        /// The port.
        port: u16,
    },
}

const MOST_ADDRESS: usize = 300;
const MOST_URL: usize = 1_000;
const MOST_HEADERS: usize = 8;
/// The client sets these itself, and who reads the mark relies on it.
const REFUSED: [HeaderName; 5] = [
    http::header::HOST,
    http::header::CONNECTION,
    http::header::CONTENT_LENGTH,
    http::header::TRANSFER_ENCODING,
    MARK,
];

// === impl Access ===

impl Access {
    /// Of a probe of HTTP, or of another kind; a TCP connection has no headers.
    pub fn read(violations: &mut Violations, given: &pb::ProbeAccess, kind: &pb::probe::Kind) -> Self {
        let any = !given.address.is_empty() || !given.headers.is_empty();
        violations.check(any, "address", "nothing", "an address, headers, or both");
        let is_http = matches!(kind, pb::probe::Kind::Http(_));
        let address = match given.address.as_str() {
            "" => None,
            _ if is_http => base_url(violations, "address", &given.address).map(Address::Url),
            _ => Address::port(violations, "address", &given.address),
        };
        let most = if matches!(kind, pb::probe::Kind::Tcp(_)) { 0 } else { MOST_HEADERS };
        let headers = headers(violations, &given.headers, most);
        let mut read = HeaderMap::new();
        for (name, value) in headers {
            match HeaderValue::from_str(value) {
                Ok(value) => _ = read.append(name, value),
                Err(_) => violations.add(&format!("headers.{name}"), "no value of a header", "visible ASCII"),
            }
        }
        let reach = violations.enumeration::<pb::ProbeReach>("reach", given.reach).unwrap_or_default();
        Self { address, headers: read, always: reach == pb::ProbeReach::Always }
    }
}

/// Headers that a probe may send, in order.
pub fn headers<'g>(
    violations: &mut Violations,
    given: &'g HashMap<String, String>,
    most: usize,
) -> Vec<(HeaderName, &'g str)> {
    violations.check(given.len() <= most, "headers", given.len(), format!("at most {most} headers"));
    let mut sorted: Vec<_> = given.iter().collect();
    sorted.sort_unstable();
    let mut read = |(name, value): (&'g String, &'g String)| {
        let path = format!("headers.{name}");
        violations.text(&path, value, 0..=MOST_URL);
        match header_name(name).filter(|name| !REFUSED.contains(name)) {
            Some(name) => Some((name, value.as_str())),
            None => {
                violations.add(&path, format!("{name:?}"), "the name of a header, none that the client sets");
                None
            }
        }
    };
    sorted.into_iter().filter_map(&mut read).collect()
}

/// The name of a header, however it is written.
pub fn header_name(given: &str) -> Option<HeaderName> {
    HeaderName::from_bytes(given.as_bytes()).ok()
}

/// A URL that paths are appended to.
pub fn base_url(violations: &mut Violations, field: &str, given: &str) -> Option<Url> {
    violations.text(field, given, 1..=MOST_URL);
    let plain = |url: &Url| is_callable(url) && url.query().is_none() && url.fragment().is_none();
    let url = Url::parse(given).ok().filter(plain);
    if url.is_none() {
        // it may hold a secret
        let allowed = "http or https with a host, without user, query and fragment";
        violations.add(field, "no such address", allowed);
    }
    url
}

/// Whether it is one of HTTP without credentials.
pub fn is_callable(url: &Url) -> bool {
    let anonymous = url.username().is_empty() && url.password().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && anonymous
}

// === impl Address ===

impl Address {
    /// `host:port`.
    pub fn port(violations: &mut Violations, field: &str, given: &str) -> Option<Self> {
        violations.text(field, given, 1..=MOST_ADDRESS);
        let read = || {
            let (host, port) = given.rsplit_once(':')?;
            let port: u16 = port.parse().ok().filter(|port| *port > 0)?;
            // what a URL takes for a host, and nothing but a host
            let url = Url::parse(&format!("http://{host}:{port}/")).ok()?;
            let only = is_callable(&url) && url.path() == "/" && url.query().is_none();
            let host = url.host_str().filter(|_| only && url.fragment().is_none())?;
            Some(Self::Port { host: host.to_owned(), port })
        };
        let address = read();
        if address.is_none() {
            violations.add(
                field,
                format!("{given:?}"),
                "host:port, e.g. shop.internal:8080 or [fd00::1]:8080",
            );
        }
        address
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => url.fmt(f),
            Self::Port { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let mut violations = Violations::new();
        let mut read = |given| Address::port(&mut violations, "address", given).map(|it| it.to_string());
        assert_eq!(read("shop.internal:80").as_deref(), Some("shop.internal:80"));
        assert_eq!(read("[fd00::1]:8080").as_deref(), Some("[fd00::1]:8080"));
        assert_eq!(read("10.0.0.1:65535").as_deref(), Some("10.0.0.1:65535"));
        for wrong in
            ["", "shop", "shop:0", "shop:65536", ":80", "a/b:80", "u@shop:80", "http://shop:80", "fd00::1"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
