//! A Watch over streams that break, repeat and reset.

use std::time::Duration;

use bellwether_client::{Watch, WatchEvent};
use bellwether_clock::Env;
use bellwether_proto::executor::v1::{Target, WatchTargetsRequest};
use bellwether_server::Shutdown;
use tonic::{Code, Status};

use crate::{
    fake::{Fake, Session, changed, current, deleted, heartbeat, reset, snapshot},
    harness::{Running, start, start_at},
};

fn watch(server: &Running) -> Watch<Target> {
    let client = server.client();
    Watch::new(Env::system(), move |resume_token| {
        let mut client = client.clone();
        let request = WatchTargetsRequest { resume_token, ..WatchTargetsRequest::default() };
        async move { client.watch_targets(request).await }
    })
}

/// The next `count` events in short.
async fn next(watch: &mut Watch<Target>, count: usize) -> Vec<String> {
    let mut events = Vec::new();
    for _ in 0..count {
        events.push(match watch.next().await.unwrap() {
            WatchEvent::Snapshot(target) => {
                format!("{} is {}", target.name, target.metadata.unwrap().version)
            }
            WatchEvent::Current => "current".into(),
            WatchEvent::Changed { change, resource } => {
                format!("{} becomes {}", resource.name, change.version)
            }
            WatchEvent::Deleted { name, change, .. } => format!("{name} gone, told {}", change.is_some()),
            WatchEvent::Heartbeat => "heartbeat".into(),
        });
    }
    events
}

fn broken() -> Result<bellwether_proto::executor::v1::watch_targets_response::Message, Status> {
    Err(Shutdown::status())
}

async fn start_with(sessions: Vec<Session>) -> (Fake, Running) {
    let fake = Fake::with_sessions(sessions);
    (fake.clone(), start(fake).await)
}

#[tokio::test]
async fn resumes_after_the_last_token() {
    let (fake, server) = start_with(vec![
        vec![snapshot("a", 1), current("t1"), changed("a", 2, "t2"), broken()],
        vec![changed("a", 3, "t3"), current("t3"), heartbeat("t9"), broken()],
        vec![deleted("a", 4, "t10")],
    ])
    .await;
    let mut watch = watch(&server);
    let events = next(&mut watch, 7).await;
    assert_eq!(
        events,
        ["a is 1", "current", "a becomes 2", "a becomes 3", "current", "heartbeat", "a gone, told true"]
    );
    assert_eq!(*fake.tokens.lock().unwrap(), ["", "t2", "t9"]);
    assert_eq!(watch.resume_token(), "t10");
}

#[tokio::test]
async fn a_reset_repeats_nothing_and_tells_what_is_gone() {
    let (_, server) = start_with(vec![
        vec![
            snapshot("a", 1),
            snapshot("b", 5),
            snapshot("c", 2),
            current("t1"),
            changed("a", 2, "t2"),
            broken(),
        ],
        vec![
            reset("EXPIRED"),
            snapshot("a", 2),
            snapshot("c", 4),
            current("u1"),
            changed("c", 4, "u2"),
            changed("c", 5, "u3"),
        ],
    ])
    .await;
    let mut watch = watch(&server);
    next(&mut watch, 5).await;
    assert_eq!(next(&mut watch, 4).await, ["c is 4", "b gone, told false", "current", "c becomes 5"]);
    assert_eq!(watch.resume_token(), "u3");
}

#[tokio::test]
async fn another_journal_counts_anew() {
    let (_, server) = start_with(vec![
        vec![snapshot("a", 9), current("t1"), broken()],
        vec![reset("FOREIGN"), snapshot("a", 2), current("u1"), changed("a", 3, "u2")],
    ])
    .await;
    let mut watch = watch(&server);
    assert_eq!(next(&mut watch, 5).await, ["a is 9", "current", "a is 2", "current", "a becomes 3"]);
}

#[tokio::test]
async fn a_snapshot_that_breaks_off_starts_over() {
    let (fake, server) = start_with(vec![
        vec![snapshot("a", 1), snapshot("b", 1), broken()],
        vec![snapshot("b", 1), snapshot("d", 1), current("t1")],
    ])
    .await;
    let mut watch = watch(&server);
    assert_eq!(next(&mut watch, 5).await, ["a is 1", "b is 1", "d is 1", "a gone, told false", "current"]);
    assert_eq!(*fake.tokens.lock().unwrap(), ["", ""]);
}

#[tokio::test]
async fn a_durable_cursor_is_where_it_starts() {
    let (fake, server) = start_with(vec![vec![changed("a", 7, "t7"), current("t7")]]).await;
    let mut watch = watch(&server).after("t6");
    assert_eq!(next(&mut watch, 2).await, ["a becomes 7", "current"]);
    assert_eq!(*fake.tokens.lock().unwrap(), ["t6"]);
}

#[tokio::test]
async fn what_connecting_again_cannot_help_is_told() {
    let (_, server) = start_with(vec![
        vec![Err(Status::invalid_argument("filter"))],
        vec![snapshot("a", 1), current("t1")],
    ])
    .await;
    let mut watch = watch(&server);
    assert_eq!(watch.next().await.unwrap_err().code, Code::InvalidArgument);
    assert_eq!(next(&mut watch, 2).await, ["a is 1", "current"], "and it can go on");
}

#[tokio::test]
async fn dropping_next_loses_nothing() {
    let (_, server) = start_with(vec![
        vec![snapshot("a", 1), current("t1"), broken()],
        vec![changed("a", 2, "t2"), changed("a", 3, "t3")],
    ])
    .await;
    let mut watch = watch(&server);
    let mut events = Vec::new();
    while events.len() < 4 {
        if let Ok(event) = tokio::time::timeout(Duration::from_millis(1), next(&mut watch, 1)).await {
            events.extend(event);
        }
    }
    assert_eq!(events, ["a is 1", "current", "a becomes 2", "a becomes 3"]);
}

#[tokio::test]
async fn a_server_may_stop_and_come_back() {
    let fake = Fake::with_sessions(vec![vec![snapshot("a", 1), current("t1")]]);
    let first = start(fake.clone()).await;
    let mut watch = watch(&first);
    assert_eq!(next(&mut watch, 2).await, ["a is 1", "current"]);
    let address = first.address;
    drop(first);
    fake.sessions.lock().unwrap().push_back(vec![changed("a", 2, "t2")]);
    while tokio::net::TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let _second = start_at(fake.clone(), address).await;
    assert_eq!(next(&mut watch, 1).await, ["a becomes 2"]);
    assert_eq!(fake.tokens.lock().unwrap().last().unwrap(), "t1");
}
