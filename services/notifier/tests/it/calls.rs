//! The calls, over gRPC.

use bellwether_client::{ApiError, Watch, WatchEvent};
use bellwether_clock::Env;
use bellwether_proto::notifier::v1::{self as pb, delivery::State};
use serde_json::json;
use tonic::Code;

use crate::{
    process::{Process, apply},
    receiver::{Receiver, Reply},
};

fn watch(process: &Process, filter: &str) -> Watch<pb::Delivery> {
    let (client, filter) = (process.client.clone(), filter.to_owned());
    Watch::new(Env::system(), move |resume_token| {
        let (mut client, filter) = (client.clone(), filter.clone());
        async move { client.watch_deliveries(pb::WatchDeliveriesRequest { filter, resume_token }).await }
    })
}

/// Facts until one of them is `last`, and the delivery then.
async fn until(watch: &mut Watch<pb::Delivery>, last: &str) -> (Vec<String>, pb::Delivery) {
    let mut facts = Vec::new();
    loop {
        if let WatchEvent::Changed { change, resource } = watch.next().await.unwrap() {
            facts.push(change.fact.clone());
            if change.fact == last {
                return (facts, resource);
            }
        }
    }
}

/// Until the watched delivery is delivered; the snapshot may say so already.
async fn delivered(watch: &mut Watch<pb::Delivery>) {
    loop {
        if let WatchEvent::Snapshot(delivery) | WatchEvent::Changed { resource: delivery, .. } =
            watch.next().await.unwrap()
            && delivery.state() == State::Delivered
        {
            return;
        }
    }
}

fn test(receiver: &str, request_id: &str) -> pb::SendTestRequest {
    pb::SendTestRequest { receiver: receiver.into(), text: "hello".into(), request_id: request_id.into() }
}

#[tokio::test]
async fn a_routing_is_applied_read_and_kept_with_an_etag() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]).await;
    let default = process.client.get_routing(pb::GetRoutingRequest {}).await.unwrap().into_inner();
    assert_eq!(default.receivers[0].receiver, "log");
    let routing = json!({
        "metadata": {"team": "core", "labels": {"tier": "one"}},
        "receivers": [{"name": "hook", "webhook": {
            "url": "https://example.org/x", "signingSecrets": [{"env": "NOT_SET_ANYWHERE"}]}}],
        "route": {"receiver": "hook"},
    });
    let applied = process.client.apply_routing(apply(routing.clone())).await.unwrap().into_inner();
    let metadata = applied.routing.unwrap().metadata.unwrap();
    assert_eq!((metadata.version, metadata.team.as_str()), (1, "core"));
    let mut stale = apply(routing);
    stale.routing.as_mut().unwrap().metadata.as_mut().unwrap().etag = "stale".into();
    let refused = ApiError::from(process.client.apply_routing(stale.clone()).await.unwrap_err());
    assert_eq!((refused.code, refused.reason.as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    stale.routing.as_mut().unwrap().metadata = Some(metadata.clone());
    stale.validate_only = true;
    process.client.apply_routing(stale).await.unwrap();
    process.stop().await;
    let mut process = Process::start(dir.path(), &[]).await;
    let kept = process.client.get_routing(pb::GetRoutingRequest {}).await.unwrap().into_inner();
    assert_eq!(kept.routing.unwrap().metadata.unwrap(), metadata);
    process.stop().await;
}

#[tokio::test]
async fn n11_a_url_with_a_private_address_is_refused_with_every_other_violation() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]).await;
    let routing = json!({
        "receivers": [{"name": "A", "webhook": {"url": "http://10.0.0.1/"}}, {"name": "b", "log": {}}],
        "route": {"receiver": "b", "routes": [{"matchers": ["nonsense"]}]},
    });
    let refused = ApiError::from(process.client.apply_routing(apply(routing)).await.unwrap_err());
    assert_eq!((refused.code, refused.reason.as_str()), (Code::InvalidArgument, "INVALID_FIELDS"));
    let paths: Vec<_> = refused.fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "routing.receivers[0].name",
            "routing.route.routes[0].matchers[0]",
            "routing.receivers[0].webhook.url"
        ]
    );
    process.stop().await;
}

#[tokio::test]
async fn a_preview_says_who_would_get_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut process = Process::start(dir.path(), &[]).await;
    let tree = json!({
        "receivers": [{"name": "all", "log": {}}, {"name": "ops", "log": {}}],
        "route": {"receiver": "all", "routes": [{"receiver": "ops", "matchers": ["severity =~ \"warning|critical\""]}]},
    });
    let labels = [("severity".to_owned(), "critical".to_owned())].into();
    let request = pb::PreviewRoutingRequest { labels, routing: Some(serde_json::from_value(tree).unwrap()) };
    let tried = process.client.preview_routing(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (tried.matches[0].receiver.as_str(), tried.matches[0].path.as_slice()),
        ("ops", [0].as_slice())
    );
    let request = pb::PreviewRoutingRequest { routing: None, ..request };
    let now = process.client.preview_routing(request).await.unwrap().into_inner();
    assert_eq!(now.matches[0].receiver, "log");
    process.stop().await;
}

#[tokio::test]
async fn a_test_is_sent_once_per_request_id_and_can_be_followed() {
    let (dir, receiver) = (tempfile::tempdir().unwrap(), Receiver::start([Reply::Status(500)]).await);
    let mut process = Process::start(dir.path(), &[]).await;
    process.route_to(&receiver.url()).await;
    let mut watch = watch(&process, "receiver = hook");
    let first = process.client.send_test(test("hook", "r1")).await.unwrap().into_inner();
    let again = process.client.send_test(test("hook", "r1")).await.unwrap().into_inner();
    assert_eq!(first, again);
    let other =
        process.client.send_test(pb::SendTestRequest { text: "x".into(), ..test("hook", "r1") }).await;
    assert_eq!(ApiError::from(other.unwrap_err()).reason, "REQUEST_ID_REUSED");
    let missing = process.client.send_test(test("nobody", "")).await;
    assert_eq!(missing.unwrap_err().code(), Code::NotFound);
    let (_, delivery) = until(&mut watch, "DELIVERY_DELIVERED").await;
    assert_eq!((delivery.name, delivery.attempt_count), (first.delivery.unwrap().name, 2));
    let message = delivery.message.unwrap();
    assert_eq!((message.labels["test"].as_str(), message.text.as_str()), ("true", "hello"));
    assert_eq!(receiver.wait(2).await[0].id(), receiver.seen()[1].id());
    process.stop().await;
}

#[tokio::test]
async fn deliveries_are_listed_filtered_paged_and_replayed() {
    let (dir, receiver) = (tempfile::tempdir().unwrap(), Receiver::start([]).await);
    let mut process = Process::start(dir.path(), &[]).await;
    process.route_to(&receiver.url()).await;
    for _ in 0..5 {
        process.client.send_test(test("hook", "")).await.unwrap();
    }
    receiver.wait(5).await;
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            pb::ListDeliveriesRequest { page_size: 2, page_token, filter: "labels.test = true".into() };
        let page = process.client.list_deliveries(request).await.unwrap().into_inner();
        names.extend(page.deliveries.into_iter().map(|delivery| delivery.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let mut sorted = names.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!((names.len(), &names), (5, &sorted), "newest first");
    let mut watch = watch(&process, &format!("name = \"{}\"", names[0]));
    delivered(&mut watch).await;
    let replay = pb::ReplayDeliveryRequest { name: names[0].clone(), ..Default::default() };
    let replayed = process.client.replay_delivery(replay).await.unwrap().into_inner();
    assert_eq!(replayed.delivery.unwrap().state(), State::Pending);
    let (facts, _) = until(&mut watch, "DELIVERY_DELIVERED").await;
    assert_eq!(facts, ["DELIVERY_REPLAYED", "DELIVERY_DELIVERED"]);
    let token = watch.resume_token().to_owned();
    process.stop().await;
    let mut process = Process::start(dir.path(), &[]).await;
    let mut watch = self::watch(&process, &format!("name = \"{}\"", names[0])).after(token);
    assert_eq!(watch.next().await.unwrap(), WatchEvent::Current, "a restart neither repeats nor loses");
    let missing = pb::ReplayDeliveryRequest { name: "deliveries/nonsense".into(), ..Default::default() };
    assert_eq!(process.client.replay_delivery(missing).await.unwrap_err().code(), Code::InvalidArgument);
    process.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_left_alone_says_why_and_until_when() {
    let (dir, receiver) = (tempfile::tempdir().unwrap(), Receiver::start([]).await);
    receiver.always(Reply::With(429, "retry-after", "600".into()));
    let mut process = Process::start(dir.path(), &[]).await;
    process.route_to(&receiver.url()).await;
    let mut watch = watch(&process, "");
    process.client.send_test(test("hook", "")).await.unwrap();
    until(&mut watch, "DELIVERY_ATTEMPT_FAILED").await;
    let routing = process.client.get_routing(pb::GetRoutingRequest {}).await.unwrap().into_inner();
    let status = &routing.receivers[0];
    assert_eq!(status.state(), pb::receiver_status::State::Waiting);
    assert_eq!((status.pending, status.reason.as_ref().unwrap().code.as_str()), (1, "RATE_LIMITED"));
    assert!(status.next_attempt_time.is_some());
    let list = pb::ListDeliveriesRequest { filter: "state = PENDING".into(), ..Default::default() };
    let pending = process.client.list_deliveries(list).await.unwrap().into_inner().deliveries;
    let replay = pb::ReplayDeliveryRequest { name: pending[0].name.clone(), ..Default::default() };
    let refused = ApiError::from(process.client.replay_delivery(replay).await.unwrap_err());
    assert_eq!((refused.code, refused.reason.as_str()), (Code::FailedPrecondition, "STATE_CONFLICT"));
    process.stop().await;
}
