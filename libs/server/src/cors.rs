//! Which web pages may call over gRPC-Web (CORS, the Fetch standard). A browser lets no other page see an answer.

use std::{str::FromStr, time::Duration};

use http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::CorsLayer;

/// How long a browser may remember that it may call.
const MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// What pages may send with a call.
const REQUEST: [HeaderName; 7] = [
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];

/// What they may see of its answer.
const RESPONSE: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// The origin of web pages, exactly as browsers send it: scheme, host, and the port unless it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// It is no origin.
#[derive(Debug, thiserror::Error)]
#[error(
    "an origin is http:// or https://, a host in lower case, and :PORT unless it is the scheme's own; no path, no *"
)]
pub struct OriginError;

// === impl Origin ===

impl Origin {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        let uri: Uri = text.parse().map_err(|_| OriginError)?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or(OriginError)?;
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(OriginError),
        };
        // a browser's text is compared as it is: whatever it would never send must not be accepted here
        let port = match authority.port_u16() {
            Some(port) if port == own_port => return Err(OriginError),
            Some(port) => format!(":{port}"),
            None => String::new(),
        };
        let host = authority.host();
        let is_exact = text == format!("{scheme}://{host}{port}");
        let is_plain =
            host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-[]:_".contains(c));
        if host.is_empty() || !is_exact || !is_plain {
            return Err(OriginError);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| OriginError)
    }
}

/// Answers preflights of these origins, and lets their pages see answers. None when there are none: then nothing at all is
/// said about origins. Credentials of the browser itself (cookies) are never allowed: identity is a bearer token.
pub(crate) fn layer(origins: &[Origin]) -> Option<CorsLayer> {
    let listed: Vec<_> = origins.iter().map(|origin| origin.0.clone()).collect();
    (!listed.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(listed)
            .allow_methods([Method::POST])
            .allow_headers(REQUEST)
            .expose_headers(RESPONSE)
            .max_age(MAX_AGE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_what_browsers_send() {
        for good in
            ["https://ops.example.com", "http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:3000"]
        {
            assert_eq!(good.parse::<Origin>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "*",
            "null",
            "https://*",
            "https://*.example.com",
            "ops.example.com",
            "https://ops.example.com/",
            "https://ops.example.com/path",
            "https://ops.example.com:443",
            "http://a:80",
            "ftp://a",
            "https://A.example",
            "https://user@ops.example.com",
            "https://a?b",
            "https://a b",
            "https://a:",
            "https://a:http",
            "https://ä.example",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
