//! HTTP/1.1, HTTP/2, gRPC, upgrades, streams.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::kit::{Client, Gateway, Instance, read, until};

#[tokio::test]
async fn http2_by_prior_knowledge() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let client = Client::http2(gateway.listen);
    let answers = futures::future::join_all((0..20).map(|_| client.get("/"))).await;
    assert!(answers.iter().all(|answer| *answer == (StatusCode::OK, "a".into())), "{answers:?}");
}

#[tokio::test]
async fn grpc_with_trailers_and_its_errors_are_counted() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let client = Client::http2(gateway.listen);
    for (status, errors) in [("0", 0), ("5", 0), ("14", 1)] {
        let request = client.request("/grpc/shop.Shop/Buy").method(Method::POST);
        let request = request.header(header::CONTENT_TYPE, "application/grpc").header(header::TE, "trailers");
        let request = request.header("x-grpc-status", status).body(Full::from("message")).unwrap();
        let body = client.send(request).await.into_body().collect().await.unwrap();
        let trailers: &HeaderMap = body.trailers().unwrap();
        assert_eq!(trailers["grpc-status"], status);
        assert_eq!(body.to_bytes(), "message");
        until("the count", || async { gateway.samples().await[0].errors == errors }).await;
    }
    assert_eq!(gateway.samples().await[0].requests, 3);
}

#[tokio::test]
async fn without_a_route_grpc_is_answered_in_its_own_words() {
    let mut gateway = Gateway::start().await;
    gateway.route(&[]).await;
    let client = Client::http2(gateway.listen);
    let request =
        client.request("/grpc/x").method(Method::POST).header(header::CONTENT_TYPE, "application/grpc");
    let response = client.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(
        (response.status(), &response.headers()["grpc-status"]),
        (StatusCode::OK, &"14".parse().unwrap())
    );
}

#[tokio::test]
async fn a_large_body_passes_both_ways() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let body = Bytes::from(vec![7; 8 * 1024 * 1024]);
    for client in [Client::new(gateway.listen), Client::http2(gateway.listen)] {
        let request = client.request("/echo").method(Method::POST).body(Full::from(body.clone())).unwrap();
        let back = client.send(request).await.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(back.len(), body.len());
        assert!(back == body);
    }
}

#[tokio::test]
async fn a_stream_arrives_as_it_is_made() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let client = Client::new(gateway.listen);
    let mut response = client.send(client.request("/events/1000").body(Full::default()).unwrap()).await;
    let first = response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "tick 0\n");
    // it is counted although it goes on
    let samples = gateway.samples().await;
    assert_eq!((samples[0].requests, samples[0].latency.counts.iter().sum::<u64>()), (1, 1));
}

#[tokio::test]
async fn a_websocket_is_passed_through() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let mut socket = gateway.websocket().await;
    for message in ["hello", "again"] {
        socket.write_all(message.as_bytes()).await.unwrap();
        let mut back = vec![0; message.len()];
        socket.read_exact(&mut back).await.unwrap();
        assert_eq!(back, message.as_bytes());
    }
    assert_eq!(gateway.samples().await[0].statuses, [(101, 1)]);
}

#[tokio::test]
async fn the_instance_is_told_of_the_client() {
    let a = Instance::start("a").await;
    let gateway = Gateway::with(&[("stable", &[&a])], &[("stable", 100.0)]).await;
    let client = Client::new(gateway.listen);
    let request = client.request("/headers").header("x-private", "1").header("connection", "x-private");
    let headers = read(client.send(request.body(Full::default()).unwrap()).await).await;
    assert!(headers.contains(r#""x-forwarded-for": "127.0.0.1""#), "{headers}");
    assert!(headers.contains(r#""x-forwarded-proto": "http""#), "{headers}");
    assert!(headers.contains(&format!(r#""host": "{}""#, gateway.listen)), "{headers}");
    assert!(!headers.contains("x-private"), "{headers}");
}
