//! The end of a server, and what keeps it from starting.

use std::{net::SocketAddr, time::Duration};

use bellwether_clock::{Env, spawn};
use bellwether_server::{Metrics, Server, Shutdown, StartError, bind};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::harness::{config, follow, reason, request, start, unary};

#[tokio::test]
async fn readiness_goes_first_and_streams_end_with_their_token() {
    let server = start(|_| ()).await;
    let channel = server.channel().await;
    let watched = HealthCheckRequest { service: "test.v1.EchoService".into() };
    let mut health = HealthClient::new(channel.clone()).watch(watched).await.unwrap().into_inner();
    assert_eq!(health.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    let mut stream = follow(&channel, request(b"")).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), b"token-1");
    server.shutdown.trigger();
    match health.message().await {
        Ok(last) => assert_eq!(last.unwrap().status(), ServingStatus::NotServing),
        // the stream itself was ended first
        Err(status) => assert_eq!(status.code(), Code::Unavailable),
    }
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"));
    drop((health, stream, channel));
    server.stop().await;
}

#[tokio::test]
async fn a_stream_that_does_not_hear_of_the_end_is_ended() {
    let server = start(|config| config.limits.drain_patience = Duration::from_millis(20)).await;
    let channel = server.channel().await;
    let mut stream = follow(&channel, request(b"deaf")).await.unwrap();
    server.shutdown.trigger();
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"));
    server.stop().await;
}

#[tokio::test]
async fn what_does_not_end_is_cut_after_the_grace() {
    let server = start(|config| config.grace = Duration::from_millis(50)).await;
    let channel = server.channel().await;
    let hanging = spawn("hanging", async move { unary(&channel, "Hang", request(b"")).await });
    let other = server.channel().await;
    unary(&other, "Echo", request(b"")).await.unwrap();
    server.stop().await;
    assert!(hanging.await.unwrap().is_err());
}

#[tokio::test]
async fn a_service_says_that_it_is_not_ready() {
    let server = start(|_| ()).await;
    let mut health = HealthClient::new(server.channel().await);
    let overall = || HealthCheckRequest { service: String::new() };
    let mut watch = health.watch(overall()).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    server.readiness.not_ready("test.v1.EchoService", "DISK_FULL");
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    server.readiness.ready("test.v1.EchoService");
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    drop(watch);
    server.stop().await;
}

#[tokio::test]
async fn an_address_in_use_and_plain_text_for_all_are_refused() {
    let server = start(|_| ()).await;
    let error = bind(server.address).await.unwrap_err();
    assert_eq!(error.exit_code(), 10, "{error}");
    let everywhere = bind(SocketAddr::from(([0, 0, 0, 0], 0))).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let plain = Server::new(Env::system(), config(&dir), Metrics::new());
    let error = plain.serve(everywhere, Shutdown::new()).await.unwrap_err();
    assert!(matches!(error, StartError::PlainText { .. }), "{error}");
    assert!(error.to_string().contains("--insecure"));
    server.stop().await;
}
