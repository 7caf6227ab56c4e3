//! What is taken out of and put into the heads that pass (RFC 9110, section 7.6).

use std::net::IpAddr;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri, Version,
    header::{CONNECTION, CONTENT_TYPE, COOKIE, HOST, TE, TRANSFER_ENCODING, UPGRADE},
    request, response,
    uri::{Authority, PathAndQuery, Scheme},
};

use super::upstream::Upstream;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who sent a request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's address, as the header says it.
    pub forwarded_for: HeaderValue,
    /// Whether it came over TLS.
    pub tls: bool,
}

// === impl Peer ===

impl Peer {
    /// At `ip`.
    pub fn new(ip: IpAddr, tls: bool) -> Self {
        // an address has no character that a header may not have
        let forwarded_for = HeaderValue::from_str(&ip.to_canonical().to_string())
            .unwrap_or(HeaderValue::from_static("unknown"));
        Self { forwarded_for, tls }
    }
}

/// The protocol that a client asks to switch to.
pub fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = tokens(headers, &CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    if asks { headers.get(UPGRADE).cloned() } else { None }
}

/// Whether a request, or an answer, is gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Whether an answer is a stream of events that may never end.
pub fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

/// Makes a client's head one for an instance, apart from the protocol's version.
pub fn prepare_request(parts: &mut request::Parts, peer: &Peer, upgrade: Option<&HeaderValue>) {
    let trailers = tokens(&parts.headers, &TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    strip_hop_by_hop(&mut parts.headers);
    if trailers {
        parts.headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if let Some(protocol) = upgrade {
        parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, protocol.clone());
    }
    // HTTP/2 names the host in the URI
    if let (false, Some(authority)) = (parts.headers.contains_key(HOST), parts.uri.authority())
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        parts.headers.insert(HOST, host);
    }
    parts.headers.append(FORWARDED_FOR, peer.forwarded_for.clone());
    parts.headers.entry(FORWARDED_PROTO).or_insert(HeaderValue::from_static(if peer.tls {
        "https"
    } else {
        "http"
    }));
    if let Some(host) = parts.headers.get(HOST).cloned() {
        parts.headers.entry(FORWARDED_HOST).or_insert(host);
    }
}

/// Makes the head one of the protocol that the instance is spoken to.
pub fn set_version(parts: &mut request::Parts, upstream: &Upstream, http2: bool) {
    if http2 {
        let authority = parts.headers.remove(HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        let authority = authority.or_else(|| parts.uri.authority().cloned()).or_else(|| upstream.authority());
        let mut uri = std::mem::take(&mut parts.uri).into_parts();
        uri.scheme = Some(Scheme::HTTP);
        uri.authority = authority;
        // a target that is a host alone has none
        uri.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
        parts.uri = Uri::from_parts(uri).unwrap_or_default();
        parts.version = Version::HTTP_2;
    } else {
        if parts.uri.authority().is_some() {
            let path = parts.uri.path_and_query().map(|path| path.as_str().parse());
            parts.uri = path.and_then(Result::ok).unwrap_or_default();
        }
        parts.version = Version::HTTP_11;
        join_cookies(&mut parts.headers);
    }
}

/// HTTP/2 may send cookies one by one, HTTP/1.1 has one header of them (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let all: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&all.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Makes an instance's head one for a client.
pub fn prepare_response(parts: &mut response::Parts) {
    strip_hop_by_hop(&mut parts.headers);
    parts.version = Version::HTTP_11;
}

/// Makes the head of an answer that switches protocols one for a client.
pub fn prepare_switch(headers: &mut HeaderMap, protocol: &HeaderValue) {
    strip_hop_by_hop(headers);
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, protocol.clone());
}

/// Says that this connection ends with this answer.
pub fn close_after(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> =
            tokens(headers, &CONNECTION).filter_map(|name| name.parse().ok()).collect();
        for name in named {
            headers.remove(name);
        }
        headers.remove(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TRANSFER_ENCODING, TE, UPGRADE] {
        headers.remove(name);
    }
}

fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn request(headers: &[(&str, &str)]) -> request::Parts {
        let mut builder = Request::builder().uri("/x");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(()).unwrap().into_parts().0
    }

    #[test]
    fn hop_by_hop_headers_stay_behind() {
        let mut parts = request(&[
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("keep-alive", "5"),
            ("te", "trailers, gzip"),
            ("transfer-encoding", "chunked"),
            ("x-public", "1"),
            ("host", "shop"),
        ]);
        prepare_request(&mut parts, &Peer::new([127, 0, 0, 1].into(), false), None);
        for gone in ["connection", "x-private", "keep-alive", "transfer-encoding"] {
            assert!(!parts.headers.contains_key(gone), "{gone}");
        }
        assert_eq!(parts.headers["te"], "trailers");
        assert_eq!(parts.headers["x-public"], "1");
        assert_eq!(parts.headers["x-forwarded-for"], "127.0.0.1");
        assert_eq!(parts.headers["x-forwarded-host"], "shop");
    }

    #[test]
    fn cookies_that_came_one_by_one_are_joined() {
        let mut parts = request(&[("cookie", "a=1"), ("cookie", "b=2")]);
        join_cookies(&mut parts.headers);
        assert_eq!(parts.headers.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }

    #[test]
    fn a_switch_of_protocols_is_passed_on() {
        let parts = request(&[("connection", "Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(upgrade(&parts.headers).unwrap(), "websocket");
        assert_eq!(upgrade(&request(&[("upgrade", "h2c")]).headers), None);
    }
}
