//! Limits, for real.

use std::time::Duration;

use bellwether_clock::spawn;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{follow, reason, request, start, unary};

#[tokio::test]
async fn c07_five_mebibytes_are_too_much_and_the_connection_lives() {
    let server = start(|_| ()).await;
    let channel = server.channel().await;
    for _ in 0..3 {
        let status = unary(&channel, "Echo", request(&vec![1; 5 << 20])).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE"));
        let small = unary(&channel, "Echo", request(b"still here")).await.unwrap();
        assert_eq!(small.into_inner(), b"still here");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_thousand_streams_over_a_few_connections() {
    let server = start(|_| ()).await;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let channel = server.channel().await;
        for _ in 0..200 {
            let mut stream = follow(&channel, request(b"")).await.unwrap();
            assert_eq!(stream.message().await.unwrap().unwrap(), b"token-1");
            streams.push((channel.clone(), stream));
        }
    }
    server.shutdown.trigger();
    for (_, stream) in &mut streams {
        assert_eq!(stream.message().await.unwrap_err().code(), Code::Unavailable);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_call_without_room_is_refused_with_a_time_to_retry() {
    let server = start(|config| config.limits.streams = 2).await;
    let channel = server.channel().await;
    let first = follow(&channel, request(b"")).await.unwrap();
    let _second = follow(&channel, request(b"")).await.unwrap();
    let status = follow(&channel, request(b"")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(status.get_details_retry_info().is_some());
    assert!(unary(&channel, "Echo", request(b"")).await.is_ok(), "unary calls have room of their own");
    drop(first);
    while follow(&channel, request(b"")).await.is_err() {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_slow_reader_holds_nobody_up() {
    let server = start(|config| config.grace = Duration::from_millis(100)).await;
    let (slow, other) = (server.channel().await, server.channel().await);
    let mut flood = follow(&slow, request(b"flood")).await.unwrap();
    assert_eq!(flood.message().await.unwrap().unwrap().len(), 65_536);
    for _ in 0..50 {
        assert!(unary(&slow, "Echo", request(b"x")).await.is_ok());
        assert!(unary(&other, "Echo", request(b"x")).await.is_ok());
    }
    // it goes on where it stopped
    assert_eq!(flood.message().await.unwrap().unwrap().len(), 65_536);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_and_makes_room() {
    let server = start(|config| {
        config.limits.connections = 1;
        config.limits.handshake = Duration::from_millis(50);
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    silent.write_all(b"PRI").await.unwrap();
    let mut rest = Vec::new();
    let waiting = spawn("waiting", {
        let address = server.address;
        async move {
            let channel = tonic::transport::Channel::from_shared(format!("http://{address}")).unwrap();
            unary(&channel.connect().await.unwrap(), "Echo", request(b"at last")).await.unwrap().into_inner()
        }
    });
    assert_eq!(silent.read_to_end(&mut rest).await.unwrap(), 0, "{rest:?}");
    assert_eq!(waiting.await.unwrap(), b"at last");
    server.stop().await;
}

#[tokio::test]
async fn an_old_connection_tells_its_streams_to_move() {
    let server = start(|config| {
        config.limits.connection_age = Duration::from_millis(100);
        config.limits.connection_age_grace = Duration::from_secs(5);
    })
    .await;
    let channel = server.channel().await;
    let mut stream = follow(&channel, request(b"")).await.unwrap();
    assert_eq!(stream.message().await.unwrap().unwrap(), b"token-1");
    let status = stream.message().await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unavailable, "DRAINING"));
    assert!(unary(&channel, "Echo", request(b"")).await.is_ok(), "the channel connects anew");
    server.stop().await;
}
