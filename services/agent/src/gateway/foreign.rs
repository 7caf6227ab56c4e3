//! What comes from outside may be anything: none of it stops the gateway.

use std::sync::Arc;

use bellwether_clock::Env;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri, request::Parts};
use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    affinity::Affinity,
    classify::Classifier,
    compile::Compiler,
    entry::{Entries, Entry},
    headers::{self, Peer},
    matching::{RequestTest, cookies},
    state::table_on_disk,
    table::{HeaderMatch, Ingress, RequestMatch, SessionKey, Table, ValueMatch},
    upstream::Upstream,
    websocket::Frames,
};

const LISTEN: &str = "127.0.0.1:8080";

/// A table that uses everything there is.
fn table() -> serde_json::Value {
    serde_json::json!({"version": 7, "targets": {"targets/shop@test": {
        "revision": 3,
        "ingress": [{"listen": LISTEN, "host": "shop", "path_prefix": "/a", "tls": null}],
        "preview": [{"fleet": "b", "by": {"header": {"name": "x-preview", "value": "1"}}},
                    {"fleet": "b", "by": {"listen": "127.0.0.1:8081"}}],
        "fleets": {"a": {"instances": [{"id": "1", "address": "127.0.0.1:1"}]},
                   "b": {"instances": [{"id": "2", "address": "127.0.0.1:2", "protocol": "http2",
                                        "drain_until": "2026-01-01T00:00:00Z"}]}},
        "split": [{"fleet": "a", "percent": 90.0}, {"fleet": "b", "percent": 10.0}],
        "rules": [{"fleet": "b", "methods": ["GET"], "path_prefix": "/", "cookies": [],
                   "headers": [{"name": "x-test", "value": {"exact": "1"}}]}],
        "mirror": {"fleet": "b", "percent": 5.0},
        "affinity": {"cookie": "bw", "ttl": {"secs": 60, "nanos": 0}},
        "journeys": [{"name": "j", "methods": [], "path_prefix": "/", "headers": [], "cookies": []}],
        "policy": {"max_attempts": 2},
    }}})
}

/// A value that a field may not expect.
fn odd() -> impl Strategy<Value = serde_json::Value> {
    let values =
        ["null", "-1", "1e308", "0.1", "\"\"", "\"b\"", "[]", "{}", "true", "99999999999", "\"\\u0000\""];
    select(values.to_vec()).prop_map(|text| serde_json::from_str(text).unwrap())
}

/// Puts a value in the place of another, found by turning as `turns` say.
fn graft(into: &mut serde_json::Value, turns: &[usize], value: serde_json::Value) {
    let child = match (turns.split_first(), &mut *into) {
        (Some((turn, rest)), serde_json::Value::Object(fields)) if !fields.is_empty() => {
            let turn = turn % fields.len();
            fields.values_mut().nth(turn).map(|child| (child, rest))
        }
        (Some((turn, rest)), serde_json::Value::Array(items)) if !items.is_empty() => {
            let turn = turn % items.len();
            items.get_mut(turn).map(|child| (child, rest))
        }
        _ => None,
    };
    match child {
        Some((child, rest)) => graft(child, rest, value),
        None => *into = value,
    }
}

fn compiler() -> Compiler {
    Compiler::new(Env::system(), 2, Arc::default(), Arc::default())
}

fn parts(uri: &str, sent: &[(String, Vec<u8>)]) -> Option<Parts> {
    let mut request = Request::new(());
    *request.uri_mut() = uri.parse::<Uri>().ok()?;
    for (name, value) in sent {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) else {
            continue;
        };
        request.headers_mut().append(name, value);
    }
    Some(request.into_parts().0)
}

fn sent() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    let names = [
        "connection",
        "keep-alive",
        "te",
        "upgrade",
        "transfer-encoding",
        "host",
        "cookie",
        "x-forwarded-for",
        "x-forwarded-host",
        "content-type",
        "content-length",
        "grpc-status",
        "proxy-connection",
        "x-own",
    ];
    let words =
        ["close", "host", "x-own", "upgrade", "trailers", "a=b; bw=1", "[::1]:80", ":", "shop:x", ",", ""];
    let value = prop_oneof![
        select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        vec(any::<u8>(), 0..12),
    ];
    vec((select(names.to_vec()).prop_map(str::to_owned), value), 0..10)
}

fn uri() -> impl Strategy<Value = String> {
    prop_oneof![
        select(vec!["/", "/a?b", "*", "http://shop/a", "http://shop:80?x", "shop:443"])
            .prop_map(str::to_owned),
        "\\PC{0,12}"
    ]
}

#[test]
fn the_table_of_these_tests_is_a_good_one() {
    let table: Table = serde_json::from_value(table()).unwrap();
    compiler().compile(table).unwrap();
}

proptest! {
    #[test]
    fn a_table_that_was_tampered_with_is_refused_or_used(
        grafts in vec((vec(any::<usize>(), 0..7), odd()), 1..3),
    ) {
        let mut given = table();
        grafts.into_iter().for_each(|(turns, value)| graft(&mut given, &turns, value));
        if let Ok(table) = serde_json::from_value::<Table>(given)
            && let Ok(compiled) = compiler().compile(table)
        {
            let request = parts("/a/b", &[("host".to_owned(), b"shop".to_vec())]).unwrap();
            if let Some(entry) = compiled.entries.find(LISTEN.parse().unwrap(), &request) {
                let chosen = entry.route.choose(&request);
                prop_assert!(chosen.is_none_or(|choice| choice.fleet < entry.route.fleets.len()));
            }
        }
    }

    #[test]
    fn a_table_file_that_is_none_is_an_empty_table(bytes in vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("routes.json");
        std::fs::write(&file, &bytes).unwrap();
        prop_assert_eq!(table_on_disk(&file), Table::default());
        let whole = table().to_string();
        std::fs::write(&file, &whole.as_bytes()[..cut.index(whole.len())]).unwrap();
        prop_assert_eq!(table_on_disk(&file), Table::default());
    }

    #[test]
    fn any_head_is_made_one_for_an_instance(uri in uri(), sent in sent(), http2 in any::<bool>()) {
        let Some(mut parts) = parts(&uri, &sent) else { return Ok(()) };
        let before = parts.headers.get_all("x-forwarded-for").iter().count();
        let dropped = headers_named_by_connection(&parts.headers);
        headers::prepare_request(&mut parts, &Peer::new([10, 0, 0, 1].into(), true), None);
        for gone in ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"] {
            prop_assert!(!parts.headers.contains_key(gone), "{}", gone);
        }
        let forwarded: Vec<_> = parts.headers.get_all("x-forwarded-for").iter().cloned().collect();
        prop_assert_eq!(forwarded.last().unwrap(), "10.0.0.1");
        prop_assert!(forwarded.len() == before + 1 || dropped.contains(&"x-forwarded-for".to_owned()));
        headers::set_version(&mut parts, &Upstream::new("127.0.0.1:1".parse().unwrap(), 1), http2);
        prop_assert_eq!(parts.uri.authority().is_some(), http2);
        prop_assert!(parts.headers.get_all("cookie").iter().count() < 2 || http2);
    }

    #[test]
    fn any_head_is_looked_at(uri in uri(), sent in sent()) {
        let Some(parts) = parts(&uri, &sent) else { return Ok(()) };
        let route = compiler().compile(serde_json::from_value(table()).unwrap()).unwrap().routes;
        let route = route.values().next().unwrap();
        let ingress = Ingress {
            listen: LISTEN.parse().unwrap(),
            host: Some("shop".into()),
            path_prefix: "/a".into(),
            tls: None,
            session: Some(SessionKey::Cookie("bw".into())),
            version_header: None,
        };
        let entry = Entry::ingress(&ingress, route, [1, 2]).unwrap();
        entry.session.as_ref().unwrap().of(&parts.headers);
        Entries::new(vec![entry]).find(ingress.listen, &parts);
        Affinity::new("bw", std::time::Duration::ZERO, [(0, "a")].into_iter()).fleet_of(&parts.headers);
        Classifier::default().trailers(&parts.headers);
        let beta = HeaderMatch { name: "bw".into(), value: ValueMatch::Prefix("1".into()) };
        let test = RequestTest::new(&RequestMatch { cookies: vec![beta], ..RequestMatch::default() }).unwrap();
        let has = cookies(&parts.headers).any(|(name, value)| name == "bw" && value.starts_with('1'));
        prop_assert_eq!(test.holds(&parts), has);
    }

    #[test]
    fn frames_end_where_they_end_however_they_come(
        payloads in vec((vec(any::<u8>(), 0..300), any::<bool>()), 0..6),
        cuts in vec(1..50_usize, 1..8),
    ) {
        let stream: Vec<u8> = payloads.iter().flat_map(|(payload, masked)| frame(payload, *masked)).collect();
        let mut frames = Frames::default();
        let (mut rest, mut cuts) = (&stream[..], cuts.iter().cycle());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
            frames.pass(piece);
            rest = after;
        }
        prop_assert!(frames.is_between());
        frames.pass(&[0x81]);
        prop_assert!(!frames.is_between());
    }

    #[test]
    fn bytes_that_are_no_frames_are_followed_too(bytes in vec(any::<u8>(), 0..400)) {
        let (mut whole, mut single) = (Frames::default(), Frames::default());
        whole.pass(&bytes);
        bytes.iter().for_each(|byte| single.pass(&[*byte]));
        prop_assert_eq!(whole.is_between(), single.is_between());
    }
}

fn headers_named_by_connection(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("connection").iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|name| name.trim().to_ascii_lowercase()).collect()
}

/// A WebSocket frame (RFC 6455, section 5.2).
fn frame(payload: &[u8], masked: bool) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![0x82];
    match u8::try_from(payload.len()) {
        Ok(short) if short < 126 => bytes.push(mask | short),
        _ => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend(if masked { &[0; 4][..] } else { &[] });
    bytes.extend(payload);
    bytes
}
