//! Every kind of probe, and every way in which it fails.

use std::{net::SocketAddr, time::Duration};

use bellwether_clock::{Env, spawn};
use bellwether_health_monitor::SourcesArgs;
use bellwether_proto::monitor::v1::{self as pb, Level, probe_extract::From};
use bellwether_resource::time;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{
    given::{Health, apply, grpc, journey, status_of, step, tcp, tried, visit},
    shop::{Asked, Reply, Shop, json, page, status},
};
use crate::harness::{Process, place};

fn extract(name: &str, from: From, matches: &str) -> pb::ProbeExtract {
    pb::ProbeExtract { name: name.into(), from: Some(from), matches: matches.into() }
}

fn contains(text: &str) -> pb::HttpExpectation {
    pb::HttpExpectation { body_contains: vec![text.into()], ..Default::default() }
}

fn of_json(pointer: &str, equals: &str) -> pb::HttpExpectation {
    let value =
        pb::JsonExpectation { pointer: pointer.into(), equals: Some(equals.into()), ..Default::default() };
    pb::HttpExpectation { json: vec![value], ..Default::default() }
}

/// An address where nobody listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

fn checkout(asked: &Asked) -> Reply {
    match asked.line.as_str() {
        "POST /v1/login" => Reply::Say(
            201,
            vec![("set-cookie", "session=s-9; Path=/".into())],
            r#"{"token": "t-17", "carts": [{"id": 42, "empty": false}]}"#.into(),
        ),
        "GET /v1/carts/42?full=1" => page("<h1>Your cart</h1> total: 99 EUR"),
        _ => status(404),
    }
}

/// Applies probes, and sees each pass, or fail with its text.
async fn are_as_expected(monitor: &mut Process, cases: &[(pb::Probe, &str)]) {
    for (probe, _) in cases {
        apply(&mut monitor.client, probe.clone()).await.unwrap();
    }
    let runs = tried(&mut monitor.client).await;
    for (probe, expected) in cases {
        let (_, run) = runs.iter().find(|(name, _)| *name == format!("probes/{}", probe.name)).unwrap();
        assert_eq!(run.passed, expected.is_empty(), "{}: {}", probe.name, run.text);
        assert!(run.text.contains(expected), "{}: {}", probe.name, run.text);
    }
}

#[tokio::test]
async fn a_journey_uses_in_one_step_what_another_has_found() {
    let (dir, shop) = (place(), Shop::open(checkout).await);
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let login = pb::HttpStep {
        method: "POST".into(),
        headers: [("content-type".into(), "application/json".into())].into(),
        body: r#"{"user": "probe", "key": "${run}", "text": "$${x}"}"#.into(),
        expect: Some(pb::HttpExpectation { statuses: vec![200, 201], ..of_json("/carts/0/empty", "false") }),
        extract: vec![
            extract("token", From::Json("/token".into()), ""),
            extract("cart", From::Json("/carts/0/id".into()), ""),
            extract("session", From::Header("Set-Cookie".into()), "session=([^;]+)"),
        ],
        ..step("login", "/login")
    };
    let cart = pb::HttpStep {
        headers: [
            ("authorization".into(), "Bearer ${token}".into()),
            ("cookie".into(), "session=${session}".into()),
        ]
        .into(),
        expect: Some(pb::HttpExpectation {
            headers: vec![pb::HeaderExpectation {
                name: "Content-Type".into(),
                matches: "^text/".into(),
                ..Default::default()
            }],
            body_matches: vec![r"total: \d+ EUR".into()],
            max_latency: Some(time::to_duration(Duration::from_millis(400))),
            ..contains("Your cart")
        }),
        ..step("cart", "/carts/${cart}?full=1")
    };
    let url = format!("{}/v1/", shop.url());
    apply(&mut monitor.client, journey("checkout", &url, vec![login, cart])).await.unwrap();
    let (journeys, _) = Health::watch(&mut monitor.client).await.until(|it| it.reasons.is_empty()).await;
    assert_eq!((journeys.level(), journeys.value), (Level::Ok, Some(0.0)));
    let last = status_of(&mut monitor.client, "checkout").await.last.unwrap();
    let steps: Vec<_> = last.steps.iter().map(|step| (step.id.as_str(), step.status)).collect();
    assert_eq!((last.passed, steps), (true, vec![("login", 201), ("cart", 200)]), "{last:?}");
    let asked = shop.asked();
    assert!(asked.iter().all(|it| it.headers["bellwether-probe"] == "checkout"), "{asked:?}");
    assert_eq!(asked[1].headers["authorization"], "Bearer t-17");
    assert_eq!(asked[1].headers["cookie"], "session=s-9");
    assert!(asked[0].body.contains(r#""text": "${x}""#) && !asked[0].body.contains("${run}"), "{asked:?}");
    monitor.stop().await;
}

/// By what its path says.
fn badly(asked: &Asked) -> Reply {
    match asked.line.trim_start_matches("GET /") {
        "ok" => json(r#"{"state": "closed", "items": []}"#),
        "error" => Reply::Say(500, vec![("x-app", "shop".into())], "it broke".into()),
        "moved" => Reply::Say(302, vec![("location", "https://elsewhere.example/".into())], String::new()),
        "html" => page("<p>maintenance</p>"),
        "large" => page(&"x".repeat(300 * 1024)),
        "broken" => Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of".to_vec()),
        "rubbish" => Reply::Bytes(b"\x00\x01\x02 not HTTP at all\r\n\r\n".to_vec()),
        "drip" => Reply::Stuck("a"),
        _ => Reply::Hang,
    }
}

#[tokio::test]
async fn what_is_not_as_expected_is_said() {
    let (dir, shop) = (place(), Shop::open(badly).await);
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let (url, any) = (shop.url(), pb::HttpExpectation::default);
    let header = |name: &str, equals: &str| pb::HttpExpectation {
        headers: vec![pb::HeaderExpectation {
            name: name.into(),
            equals: Some(equals.into()),
            ..Default::default()
        }],
        ..any()
    };
    let statuses = |statuses: &[i32]| pb::HttpExpectation { statuses: statuses.to_vec(), ..any() };
    let nothing = pb::HttpStep {
        extract: vec![extract("order", From::Json("/order".into()), "")],
        ..step("look", "/ok")
    };
    let nobody = format!("http://{}", nowhere().await);
    let cases = [
        (visit("status", &url, "/error", any()), "status 500, expected 200 to 299"),
        (visit("statuses", &url, "/ok", statuses(&[201, 204])), "status 200, expected 201 or 204"),
        (
            visit("redirect", &url, "/moved", any()),
            r#"status 302 to "https://elsewhere.example/" (redirects are not followed)"#,
        ),
        (
            visit("header", &url, "/html", header("content-type", "text/plain")),
            r#"header content-type is "text/html", expected "text/plain""#,
        ),
        (
            visit("no-header", &url, "/html", header("x-app", "shop")),
            r#"header x-app is missing, expected "shop""#,
        ),
        (
            visit("text", &url, "/html", contains("Your cart")),
            r#"the body does not contain "Your cart"; it begins "<p>maintenance</p>""#,
        ),
        (
            visit("value", &url, "/ok", of_json("/state", "open")),
            r#"JSON /state is "closed", expected "open""#,
        ),
        (
            visit("no-value", &url, "/ok", of_json("/items/0", "1")),
            r#"JSON /items/0 is missing, expected "1""#,
        ),
        (
            visit("no-json", &url, "/html", of_json("/state", "open")),
            "the body is no JSON (expected value at line 1 column 1)",
        ),
        (visit("large", &url, "/large", any()), "the body is larger than the 256 KiB that are read"),
        (visit("broken", &url, "/broken", any()), "the answer breaks off after 7 bytes"),
        (visit("rubbish", &url, "/rubbish", any()), "the connection broke"),
        (visit("hang", &url, "/hang", any()), "no whole answer within the 500ms"),
        (visit("drip", &url, "/drip", any()), "no whole answer within the 500ms"),
        (visit("refused", &nobody, "/", any()), "no connection: "),
        (
            visit("forbidden", "http://169.254.169.254", "/", any()),
            "169.254.169.254 is at an address that may not be called",
        ),
        (journey("extract", &url, vec![nothing]), "nothing to extract as order: no JSON /order"),
    ];
    for (probe, _) in &cases {
        apply(&mut monitor.client, probe.clone()).await.unwrap();
    }
    let runs = tried(&mut monitor.client).await;
    assert_eq!(runs.len(), cases.len());
    for (probe, expected) in &cases {
        let (_, run) = runs.iter().find(|(name, _)| *name == format!("probes/{}", probe.name)).unwrap();
        assert!(!run.passed && run.text.contains(expected), "{}: {}", probe.name, run.text);
        assert_eq!(run.failed_step, "look", "{}", probe.name);
    }
    monitor.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_too_late_is_none() {
    let (dir, shop) = (place(), Shop::open(|_| Reply::Late(Duration::from_millis(60), "ok")).await);
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let most = Some(time::to_duration(Duration::from_millis(50)));
    let soon = pb::HttpExpectation { max_latency: most, ..Default::default() };
    apply(&mut monitor.client, visit("fast", &shop.url(), "/", soon)).await.unwrap();
    let (journeys, _) = Health::watch(&mut monitor.client).await.until(|it| it.level() == Level::Fail).await;
    assert!(journeys.reasons[0].text.contains("expected at most 50ms"), "{journeys:?}");
    monitor.stop().await;
}

/// The standard health service, on loopback.
async fn serve_grpc() -> (SocketAddr, HealthReporter) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (reporter, service) = tonic_health::server::health_reporter();
    let incoming = TcpListenerStream::new(listener);
    spawn("grpc", tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (address, reporter)
}

#[tokio::test]
async fn connections_and_services_are_signs_of_life() {
    let dir = place();
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let (address, reporter) = serve_grpc().await;
    reporter.set_service_status("shop.Cart", ServingStatus::Serving).await;
    reporter.set_service_status("shop.Pay", ServingStatus::NotServing).await;
    let rubbish = |_: &Asked| Reply::Bytes(b"220 mail.example ESMTP\r\n".to_vec());
    let (hang, web) = (Shop::open(|_| Reply::Hang).await, Shop::open(rubbish).await);
    // what it reads is no request, and it says nothing
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent_at = silent.local_addr().unwrap();
    let cases = [
        (tcp("tcp", hang.address), ""),
        (tcp("tcp-refused", nowhere().await), "no connection to 127.0.0.1:"),
        (
            tcp("tcp-forbidden", "10.0.0.1:80".parse().unwrap()),
            "10.0.0.1 is at an address that may not be called",
        ),
        (grpc("grpc", address, "shop.Cart"), ""),
        (grpc("grpc-server", address, ""), ""),
        (grpc("grpc-down", address, "shop.Pay"), "the service shop.Pay is NOT_SERVING, expected SERVING"),
        (grpc("grpc-unknown", address, "shop.Nothing"), "the server does not know the service shop.Nothing"),
        (grpc("grpc-refused", nowhere().await, ""), "no connection to 127.0.0.1:"),
        (grpc("grpc-hang", silent_at, ""), "no answer within 500ms"),
        (grpc("grpc-rubbish", web.address, ""), "the check ends with Un"),
    ];
    are_as_expected(&mut monitor, &cases).await;
    // a service that ends is seen to
    let mut health = Health::watch(&mut monitor.client).await;
    reporter.set_service_status("shop.Cart", ServingStatus::NotServing).await;
    let fails =
        |it: &pb::HealthCategory| it.reasons.iter().any(|it| it.text.contains("shop.Cart is NOT_SERVING"));
    health.until(fails).await;
    monitor.stop().await;
}

#[tokio::test]
async fn secrets_go_to_their_hosts_and_are_not_shown() {
    let echo = |asked: &Asked| page(&format!("who is {}?", asked.headers["authorization"]));
    let (dir, shop) = (place(), Shop::open(echo).await);
    let (sources, token) = (dir.path().join("sources.toml"), dir.path().join("token"));
    std::fs::write(&token, "s3cret\n").unwrap();
    let of = |name: &str, host: &str| format!("[secrets.{name}]\nfile = {token:?}\nhosts = [{host:?}]\n");
    std::fs::write(&sources, of("token", "127.0.0.1") + &of("foreign", "shop.example")).unwrap();
    let args = SourcesArgs { file: Some(sources), networks: vec!["127.0.0.0/8".parse().unwrap()] };
    let mut monitor = Process::start_with(dir.path(), Env::system(), &args).await;
    let with = |id: &str, secret: &str, expect| {
        let headers = [("authorization".to_owned(), format!("Bearer ${{secret:{secret}}}"))].into();
        journey(id, &shop.url(), vec![pb::HttpStep { headers, expect: Some(expect), ..step("look", "/") }])
    };
    let cases = [
        (with("well", "token", contains("who is Bearer")), ""),
        (with("echoed", "token", contains("Your cart")), r#"it begins "who is Bearer •••?""#),
        (with("elsewhere", "foreign", contains("who")), "the secret foreign may not be sent to 127.0.0.1"),
        (with("unknown", "none", contains("who")), "the monitor's sources have no secret none"),
    ];
    are_as_expected(&mut monitor, &cases).await;
    assert!(shop.asked().iter().all(|it| it.headers["authorization"] == "Bearer s3cret"));
    monitor.stop().await;
}
