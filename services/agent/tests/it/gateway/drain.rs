//! Instances that get no new request.

use std::time::Duration;

use bellwether_clock::{Env, Timestamp};
use http_body_util::{BodyExt, Full};
use tokio::io::AsyncReadExt;

use crate::kit::{Client, Gateway, Instance, until};

fn within(time: Duration) -> Timestamp {
    Env::system().now().checked_add(time).unwrap()
}

/// Two fleets; a long stream is open to the one that is then drained.
async fn draining(time: Duration, path: &str) -> (Gateway, http::Response<hyper::body::Incoming>) {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let mut gateway = Gateway::with(&[("old", &[&a]), ("new", &[&b])], &[("old", 100.0)]).await;
    let client = Client::new(gateway.listen);
    let response = client.send(client.request(path).body(Full::default()).unwrap()).await;
    gateway.target().fleets.get_mut("old").unwrap().instances[0].drain_until = Some(within(time));
    gateway.route(&[("new", 100.0)]).await;
    assert_eq!(client.get("/").await.1, "b", "no new request");
    (gateway, response)
}

#[tokio::test]
async fn what_is_open_finishes() {
    let (gateway, response) = draining(Duration::from_secs(20), "/ticks/20").await;
    let open = || async { gateway.client.status().await.unwrap().instances["a"].in_flight };
    assert_eq!(open().await, 1);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.ends_with(b"tick 19\n"));
    until("nothing is open", || async { open().await == 0 }).await;
    assert_eq!(gateway.client.status().await.unwrap().instances["a"].cut_by_drain, 0);
}

#[tokio::test]
async fn what_takes_too_long_is_cut_and_counted_apart() {
    let (gateway, response) = draining(Duration::from_millis(200), "/ticks/60000").await;
    assert!(response.into_body().collect().await.is_err());
    let status = gateway.client.status().await.unwrap().instances["a"];
    assert_eq!((status.in_flight, status.cut_by_drain), (0, 1));
    let samples = gateway.samples().await;
    let old = samples.iter().find(|sample| sample.key.fleet == "old" && sample.requests > 0).unwrap();
    assert_eq!((old.requests, old.errors, old.cut_by_drain), (1, 0, 1));
}

#[tokio::test]
async fn a_websocket_is_closed_with_a_close_frame() {
    let a = Instance::start("a").await;
    let mut gateway = Gateway::with(&[("old", &[&a])], &[("old", 100.0)]).await;
    let mut socket = gateway.websocket().await;
    gateway.target().fleets.get_mut("old").unwrap().instances[0].drain_until = Some(within(Duration::ZERO));
    gateway.route(&[]).await;
    let mut last = Vec::new();
    socket.read_to_end(&mut last).await.unwrap();
    assert_eq!(last, [0x88, 2, 0x03, 0xe9], "1001, going away");
    until("it is counted", || async {
        gateway.client.status().await.unwrap().instances["a"].cut_by_drain == 1
    })
    .await;
}
