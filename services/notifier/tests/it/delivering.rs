//! Nothing is lost, nothing comes twice, and the order is kept.

use std::time::Duration;

use bellwether_notifier::{
    message::Class,
    outbox::{Cursor, State},
};
use serde_json::json;

use crate::{
    receiver::{Receiver, Reply},
    rig::{Rig, fact},
};

#[tokio::test]
async fn n01_too_many_requests_is_obeyed_and_nothing_is_lost() {
    let (rig, receiver) = (Rig::new(), Receiver::start([Reply::With(429, "retry-after", "3".into())]).await);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.tell(fact(2, "rollouts/2", Class::Terminal)).await;
    receiver.wait(1).await;
    let seen = receiver.wait(3).await;
    let waited = seen[1].at.duration_since(seen[0].at);
    assert!(waited.as_secs_f64() >= 3.0, "the whole receiver was left alone for {waited:?}");
    running.all_ended().await;
    let mut titles: Vec<_> = seen[1..].iter().map(|seen| seen.title()).collect();
    titles.sort();
    assert_eq!(titles, ["rollouts/1 1", "rollouts/2 2"]);
    assert_eq!(receiver.seen().len(), 3, "each once after the refusal");
    running.stop().await;
}

#[tokio::test]
async fn n02_an_outage_delays_and_progress_is_coalesced() {
    let (mut rig, receiver) = (Rig::new(), Receiver::start([]).await);
    rig.retry.delays = vec![Duration::from_millis(20); 10_000];
    receiver.always(Reply::Status(503));
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    for number in 0..40 {
        let class = if number % 10 == 9 { Class::Approval } else { Class::Progress };
        running.tell(fact(number, "rollouts/1", class)).await;
    }
    running.tell(fact(40, "rollouts/1", Class::Terminal)).await;
    receiver.wait(4).await;
    let failures = receiver.seen().len();
    receiver.always(Reply::Status(200));
    running.all_ended().await;
    let delivered = running.outbox.deliveries(None, 100, |delivery| delivery.state == State::Delivered).await;
    let expected: Vec<_> = delivered
        .iter()
        .rev()
        .map(|delivery| (delivery.message_id(), delivery.message.title.clone()))
        .collect();
    let seen = receiver.seen();
    let late: Vec<_> =
        seen[seen.len() - expected.len()..].iter().map(|seen| (seen.id(), seen.title())).collect();
    assert_eq!(late, expected, "each once, in order");
    let titles: Vec<_> = expected.iter().map(|(_, title)| title.as_str()).collect();
    for kept in ["rollouts/1 9", "rollouts/1 19", "rollouts/1 29", "rollouts/1 39", "rollouts/1 40"] {
        assert!(titles.contains(&kept), "{kept} is never coalesced: {titles:?}");
    }
    assert!(titles.contains(&"rollouts/1 38"), "the latest progress wins");
    assert!(titles.len() <= 8, "the others are coalesced: {titles:?}");
    assert!(failures < 41, "a receiver that is down is not asked for each");
    running.stop().await;
}

#[tokio::test]
async fn the_end_does_not_wait_hours_behind_progress_that_failed() {
    let (mut rig, receiver) = (Rig::new(), Receiver::start([Reply::Status(500), Reply::Status(500)]).await);
    rig.retry.delays = vec![Duration::ZERO, Duration::from_secs(3600), Duration::from_secs(3600)];
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Progress)).await;
    running.newest(|progress| progress.attempt_count == 1).await;
    running.tell(fact(2, "rollouts/1", Class::Terminal)).await;
    running.all_ended().await;
    let titles: Vec<_> = receiver.seen().iter().map(|seen| seen.title()).collect();
    assert_eq!(
        titles,
        ["rollouts/1 1", "rollouts/1 1", "rollouts/1 2"],
        "the end makes the progress due, and stale"
    );
    running.stop().await;
}

#[tokio::test]
async fn a_page_waits_behind_the_end_that_failed_for_the_urgent_delay_alone() {
    let failures = [Reply::Status(500), Reply::Status(500)];
    let (mut rig, receiver) = (Rig::new(), Receiver::start(failures).await);
    rig.retry.delays = vec![Duration::ZERO, Duration::from_secs(3600), Duration::from_secs(3600)];
    rig.retry.urgent = Duration::from_millis(20);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.newest(|end| end.attempt_count == 1).await;
    running.tell(fact(2, "rollouts/1", Class::Page)).await;
    running.all_ended().await;
    let titles: Vec<_> = receiver.seen().iter().map(|seen| seen.title()).collect();
    assert_eq!(titles, ["rollouts/1 1", "rollouts/1 1", "rollouts/1 1", "rollouts/1 2"]);
    running.stop().await;
}

#[tokio::test]
async fn n03_killed_between_sending_and_recording_the_same_id_comes_again() {
    let (rig, receiver) = (Rig::new(), Receiver::start([Reply::Silence]).await);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    receiver.wait(1).await;
    running.kill().await;
    let running = rig.start().await;
    let seen = receiver.wait(2).await;
    assert_eq!(seen[0].id(), seen[1].id());
    assert_eq!(seen[0].body, seen[1].body);
    running.newest_is(State::Delivered).await;
    running.stop().await;
}

#[tokio::test]
async fn x04_the_same_fact_read_again_makes_no_second_delivery() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.all_ended().await;
    running.stop().await;
    let running = rig.start().await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.tell(fact(2, "rollouts/1", Class::Terminal)).await;
    receiver.wait(2).await;
    running.all_ended().await;
    let titles: Vec<_> = receiver.seen().iter().map(|seen| seen.title()).collect();
    assert_eq!(titles, ["rollouts/1 1", "rollouts/1 2"]);
    running.stop().await;
}

#[tokio::test]
async fn the_cursor_is_committed_with_the_deliveries() {
    let rig = Rig::new();
    let running = rig.start().await;
    assert_eq!(running.outbox.cursor("executor/rollouts").await.unwrap(), None);
    let cursor = Cursor { stream: "executor/rollouts".into(), token: "t1".into() };
    running.outbox.ingest(Some(&fact(1, "rollouts/1", Class::Page)), &cursor).await.unwrap();
    let cursor = Cursor { token: "t2".into(), ..cursor };
    running.outbox.ingest(None, &cursor).await.unwrap();
    running.kill().await;
    let running = rig.start().await;
    assert_eq!(running.outbox.cursor("executor/rollouts").await.unwrap().as_deref(), Some("t2"));
    running.newest_is(State::Delivered).await;
    running.stop().await;
}

#[tokio::test]
async fn a_dead_letter_can_be_replayed_with_the_same_id() {
    let (mut rig, receiver) = (Rig::new(), Receiver::start([]).await);
    rig.retry.delays = vec![Duration::ZERO, Duration::from_millis(10)];
    receiver.always(Reply::Status(400));
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    let dead = running.newest_is(State::Dead).await;
    assert_eq!((dead.attempt_count, dead.reason.as_ref().unwrap().code.as_str()), (2, "HTTP_STATUS"));
    let waiting = running.replay(dead.id, Some("stale")).await;
    assert!(waiting.unwrap_err().to_string().contains("etag"));
    receiver.always(Reply::Status(204));
    running.replay(dead.id, None).await.unwrap();
    running.newest_is(State::Delivered).await;
    let ids: Vec<_> = receiver.seen().iter().map(|seen| seen.id()).collect();
    assert_eq!(ids, vec![dead.message_id(); 3]);
    running.stop().await;
}

#[tokio::test]
async fn what_retention_has_removed_is_not_sent_again() {
    let (mut rig, receiver) = (Rig::new(), Receiver::start([]).await);
    rig.keep.count = 1;
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    for number in 1..=3 {
        running.tell(fact(number, "rollouts/1", Class::Terminal)).await;
    }
    receiver.wait(3).await;
    running.all_ended().await;
    assert_eq!(running.outbox.prune().await.unwrap(), 2);
    assert_eq!(running.outbox.deliveries(None, 10, |_| true).await.len(), 1);
    running.stop().await;
    let running = rig.start().await;
    assert_eq!(running.outbox.deliveries(None, 10, |_| true).await.len(), 1);
    // read again after a crash: its stream remembers that it was delivered
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    running.tell(fact(4, "rollouts/1", Class::Terminal)).await;
    receiver.wait(4).await;
    running.all_ended().await;
    let titles: Vec<_> = receiver.seen().iter().map(|seen| seen.title()).collect();
    assert_eq!(titles, [1, 2, 3, 4].map(|number| format!("rollouts/1 {number}")));
    running.stop().await;
}

#[tokio::test]
async fn a_page_overtakes_what_is_about_something_else() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    receiver.always(Reply::Silence);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({"timeout": "1s"})).await;
    running.tell(fact(1, "rollouts/1", Class::Progress)).await;
    receiver.wait(1).await;
    running.tell(fact(2, "rollouts/2", Class::Progress)).await;
    running.tell(fact(3, "rollouts/3", Class::Terminal)).await;
    running.tell(fact(4, "rollouts/4", Class::Page)).await;
    receiver.always(Reply::Status(200));
    let seen = receiver.wait(5).await;
    let titles: Vec<_> = seen.iter().map(|seen| seen.title()).collect();
    let place = |title: &str| titles.iter().rposition(|found| found == title).unwrap();
    assert!(place("rollouts/4 4") < place("rollouts/3 3"), "{titles:?}");
    assert!(place("rollouts/3 3") < place("rollouts/2 2"), "{titles:?}");
    running.stop().await;
}
