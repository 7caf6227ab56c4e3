//! What is not called, not followed, not read.

use std::{io, net::IpAddr, time::Duration};

use bellwether_egress::{AddressPolicy, Call, Client, Limits, Lookup, SendError};
use bellwether_notifier::{
    message::Class,
    outbox::{OutboxError, State},
};
use http::Method;
use serde_json::json;

use crate::{
    receiver::{Receiver, Reply},
    rig::{Rig, fact},
};

#[tokio::test]
async fn n11_a_private_address_is_refused_by_number_and_by_name() {
    let receiver = Receiver::start([]).await;
    let port = receiver.address.port();
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let mut rig = Rig::new();
        rig.allow = vec![];
        rig.retry.delays.truncate(1);
        let running = rig.start().await;
        running.route_to(&format!("http://{host}:{port}/"), json!({})).await;
        running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
        let dead = running.newest_is(State::Dead).await;
        assert_eq!(dead.reason.as_ref().unwrap().code, "ADDRESS_REFUSED", "{host}");
        running.stop().await;
    }
    assert!(receiver.seen().is_empty());
}

#[tokio::test]
async fn n11_unless_it_is_allowed() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    let running = rig.start().await;
    let port = receiver.address.port();
    running.route_to(&format!("http://localhost:{port}/"), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.newest_is(State::Delivered).await;
    running.stop().await;
}

struct Rebinding;

#[async_trait::async_trait]
impl Lookup for Rebinding {
    async fn lookup(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec!["169.254.169.254".parse().unwrap(), "127.0.0.1".parse().unwrap()])
    }
}

#[tokio::test]
async fn n11_what_counts_is_the_address_that_a_name_resolves_to() {
    let receiver = Receiver::start([]).await;
    let url = format!("http://public.example:{}/", receiver.address.port());
    let call = Call {
        method: Method::GET,
        url: url.parse().unwrap(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        timeout: Duration::from_secs(5),
    };
    let strict = Client::with_lookup(AddressPolicy::default(), Limits::default(), Rebinding).unwrap();
    let refused = strict.send(call.clone()).await.unwrap_err();
    assert!(matches!(refused, SendError::Refused { host } if host == "public.example"));
    assert!(receiver.seen().is_empty());
    // of the addresses only those that are allowed are tried
    let loopback = AddressPolicy::allowing(vec!["127.0.0.1".parse().unwrap()]);
    let client = Client::with_lookup(loopback, Limits::default(), Rebinding).unwrap();
    assert_eq!(client.send(call).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start([]).await;
    let receiver = Receiver::start([Reply::With(307, "location", elsewhere.url())]).await;
    let mut rig = Rig::new();
    rig.retry.delays.truncate(1);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    let dead = running.newest_is(State::Dead).await;
    assert_eq!(dead.reason.as_ref().unwrap().code, "REDIRECT_REFUSED");
    assert_eq!(dead.attempts[0].status, Some(307));
    assert!(elsewhere.seen().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn gone_disables_the_receiver_until_a_routing_is_applied() {
    let (rig, receiver) = (Rig::new(), Receiver::start([Reply::Status(410)]).await);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    let gone = running.newest_is(State::Dead).await;
    assert_eq!(gone.reason.as_ref().unwrap().code, "GONE");
    running.tell(fact(2, "rollouts/1", Class::Terminal)).await;
    let second = running.newest_is(State::Dead).await;
    assert_eq!(second.reason.as_ref().unwrap().code, "RECEIVER_DISABLED");
    let refused = running.replay(second.id, None).await;
    assert!(matches!(refused, Err(OutboxError::Disabled { .. })));
    running.kill().await;
    let running = rig.start().await;
    assert!(running.outbox.receivers().await[0].disabled.is_some(), "a restart does not forget it");
    assert_eq!(receiver.seen().len(), 1);
    running.route_to(&receiver.url(), json!({})).await;
    running.replay(second.id, None).await.unwrap();
    running.newest_is(State::Delivered).await;
    running.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_receiver_that_is_removed_becomes_a_dead_letter() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    receiver.always(Reply::Status(500));
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    receiver.wait(1).await;
    running.apply(json!({"receivers": [{"name": "log", "log": {}}], "route": {"receiver": "log"}})).await;
    let dead = running.newest_is(State::Dead).await;
    assert_eq!(dead.reason.as_ref().unwrap().code, "RECEIVER_REMOVED");
    running.stop().await;
}

#[tokio::test]
async fn a_huge_answer_is_cut_and_a_slow_one_given_up() {
    let receiver = Receiver::start([Reply::Huge(50_000_000), Reply::Silence]).await;
    let mut rig = Rig::new();
    rig.retry.delays.truncate(1);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({"timeout": "1s"})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.newest_is(State::Delivered).await;
    running.tell(fact(2, "rollouts/2", Class::Terminal)).await;
    let dead = running.newest_is(State::Dead).await;
    assert_eq!(dead.reason.as_ref().unwrap().code, "TIMEOUT");
    running.stop().await;
}
