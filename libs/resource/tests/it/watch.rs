//! Watch: what it promises, one by one.

use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};

use bellwether_clock::{Clock as _, Env, ManualClock, Timestamp, spawn};
use bellwether_journal::{Journal, MemoryJournal, Options, Retention};
use bellwether_proto::common::v1::Change;
use bellwether_resource::{
    Call, Decision, Store,
    watch::{Frames, Part},
};
use futures::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{
    counter::{Counted, Counter, add, load, memory},
    view::{Resource, Shown, decode, next, outcome, until_current, watch, watch_until},
};

async fn count(store: &Store<Counter>, stream: &str, number: i64) {
    store.transact(stream, Call::internal(), move |_, _| Ok::<_, Infallible>(add(number))).await.unwrap();
}

async fn close(store: &Store<Counter>, stream: &str) {
    let closed = |_: &_, _| Ok::<_, Infallible>(Decision::new(vec![Counted::Closed]));
    store.transact(stream, Call::internal(), closed).await.unwrap();
}

fn resource(name: &str, version: u64, sum: i64) -> Resource {
    Resource { name: name.into(), version, sum }
}

fn changed(part: Part<Resource>) -> (Change, Resource) {
    match part {
        Part::Changed(change, resource) => (change, resource),
        other => panic!("expected a change, got {other:?}"),
    }
}

#[tokio::test]
async fn begins_with_a_snapshot_and_goes_on_with_changes() {
    let store = load(&memory()).await;
    count(&store, "counters/a", 1).await;
    count(&store, "counters/b", 2).await;
    count(&store, "counters/gone", 3).await;
    close(&store, "counters/gone").await;
    let mut head = store.journal().head();
    head.wait_for(|head| *head == 4).await.unwrap();

    let mut stream = watch(&store, "", "");
    let (before, token) = until_current(&mut stream).await;
    let snapshot = before.iter().filter(|part| matches!(part, Part::Snapshot(_))).count();
    assert!(snapshot <= 3 && !token.is_empty(), "{before:?}");
    count(&store, "counters/a", 10).await;
    close(&store, "counters/b").await;
    let (change, after) = loop {
        let (change, after) = changed(next(&mut stream).await);
        if change.sequence == 5 {
            break (change, after);
        }
    };
    assert_eq!((change.fact.as_str(), change.version, after), ("ADDED", 2, resource("counters/a", 2, 11)));
    assert_eq!(change.fact_json, r#"{"Added":10}"#);
    assert!(
        matches!(next(&mut stream).await, Part::Deleted(change, _) if change.sequence == 6 && change.fact == "CLOSED")
    );

    let mut resumed = watch(&store, "", &change.resume_token);
    let (missed, _) = until_current(&mut resumed).await;
    assert!(matches!(&missed[..], [Part::Deleted(change, _)] if change.sequence == 6), "{missed:?}");
}

#[tokio::test]
async fn a_snapshot_has_what_was_committed_before_it_was_asked_for() {
    let store = load(&memory()).await;
    for number in 1..=200 {
        count(&store, "counters/a", 1).await;
        let (before, _) = until_current(&mut watch(&store, "", "")).await;
        let newest = resource("counters/a", number, i64::try_from(number).unwrap());
        assert!(matches!(&before[..], [Part::Snapshot(found)] if *found == newest), "{before:?}");
    }
}

#[tokio::test]
async fn a_filter_leaves_out_others() {
    let store = load(&memory()).await;
    let filter = r#"name = "counters/b""#;
    let mut stream = watch(&store, filter, "");
    let (none, _) = until_current(&mut stream).await;
    assert_eq!(none, []);
    for number in 0..200 {
        count(&store, "counters/a", number).await;
    }
    count(&store, "counters/b", 7).await;
    let (change, after) = changed(next(&mut stream).await);
    assert_eq!((change.sequence, after), (201, resource("counters/b", 1, 7)));
    let wrong = store.watch(Shown, "sum = 3", "", futures::future::pending()).err().unwrap();
    assert!(wrong.to_string().contains("INVALID_FIELDS"), "{wrong}");
}

/// Two thousand events behind: everything comes, in order, and no resource ever looks older than before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_misses_nothing_and_sees_nothing_older() {
    let store = load(&memory()).await;
    let mut stream = watch(&store, "", "");
    until_current(&mut stream).await;
    for number in 0..2000 {
        count(&store, &format!("counters/{}", number % 7), 1).await;
    }
    let writer = {
        let store = store.clone();
        spawn("writer", async move {
            for number in 0..500 {
                count(&store, &format!("counters/{}", number % 7), 1).await;
            }
        })
    };
    let (mut versions, mut sequences): (HashMap<String, u64>, Vec<i64>) = Default::default();
    while sequences.len() < 2500 {
        let (change, after) = match next(&mut stream).await {
            Part::Heartbeat(_) => continue,
            part => changed(part),
        };
        let seen = versions.entry(after.name.clone()).or_default();
        assert!(after.version >= *seen, "{after:?} after version {seen}");
        assert!(after.version >= u64::try_from(change.version).unwrap());
        *seen = after.version;
        sequences.push(change.sequence);
    }
    assert_eq!(sequences, (1..=2500).collect::<Vec<_>>());
    writer.await.unwrap();
}

/// Readers cut at random places, resuming with their last token, over restarts of the server: what they have seen is
/// what the journal holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_and_resumed_streams_join_to_the_journal() {
    let env = Env::system();
    let memory = memory();
    let mut store = load(&memory).await;
    let mut joined: Vec<i64> = vec![];
    let (_, mut token) = until_current(&mut watch(&store, "", "")).await;
    let mut written = 0;
    for round in 0..40 {
        if round % 10 == 9 {
            store = load(&memory).await;
        }
        let events = 1 + env.random() % 120;
        let writer = {
            let store = store.clone();
            spawn("writer", async move {
                for number in 0..events {
                    count(&store, &format!("counters/{}", number % 5), 1).await;
                }
            })
        };
        written += events;
        let mut stream = watch(&store, "", &token);
        for _ in 0..env.random() % 150 {
            match next(&mut stream).await {
                Part::Changed(change, _) => {
                    joined.push(change.sequence);
                    token = change.resume_token;
                }
                Part::Current(current) => token = current.resume_token,
                Part::Heartbeat(beat) => token = beat.resume_token,
                other => panic!("not expected on resuming: {other:?}"),
            }
            if joined.last().is_some_and(|last| *last == i64::try_from(written).unwrap()) {
                break;
            }
        }
        writer.await.unwrap();
    }
    let mut stream = watch(&store, "", &token);
    let (rest, _) = until_current(&mut stream).await;
    joined.extend(rest.into_iter().map(|part| changed(part).0.sequence));
    assert_eq!(joined, (1..=i64::try_from(written).unwrap()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_token_that_is_no_use_is_answered_by_a_reset() {
    let store = load(&memory()).await;
    count(&store, "counters/a", 1).await;
    let other = load(&memory()).await;
    let (_, foreign) = until_current(&mut watch(&other, "", "")).await;
    let (_, filtered) = until_current(&mut watch(&store, "name = x", "")).await;
    for (token, expected) in
        [(foreign.as_str(), "FOREIGN"), ("rubbish", "FOREIGN"), (&filtered, "FILTER_CHANGED")]
    {
        let mut stream = watch(&store, "", token);
        match next(&mut stream).await {
            Part::Reset(reset) => assert_eq!(reset.reason, expected),
            other => panic!("expected a reset, got {other:?}"),
        }
        let mut sums = 0;
        while sums < 1 {
            match next(&mut stream).await {
                Part::Snapshot(resource) | Part::Changed(_, resource) => sums += resource.sum,
                Part::Current(_) | Part::Heartbeat(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A restored backup has not come as far as the tokens it once gave out.
#[tokio::test]
async fn a_token_ahead_of_the_journal_is_answered_by_a_reset() {
    let memory = memory();
    let store = load(&memory).await;
    let mut stream = watch(&store, "", "");
    until_current(&mut stream).await;
    count(&store, "counters/a", 1).await;
    let (change, _) = changed(next(&mut stream).await);
    // a token is bound to nothing but journal, filter and place: the same place in a younger copy lies ahead
    let ahead = {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        use sha2::{Digest as _, Sha256};
        let mut bytes = URL_SAFE_NO_PAD.decode(&change.resume_token).unwrap();
        bytes.truncate(bytes.len() - 12);
        bytes.extend_from_slice(&2u64.to_be_bytes());
        let framed = [&(bytes.len() as u64).to_be_bytes()[..], &bytes].concat();
        bytes.extend_from_slice(&Sha256::digest(framed)[..4]);
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let mut stream = watch(&store, "", &ahead);
    assert!(matches!(next(&mut stream).await, Part::Reset(reset) if reset.reason == "AHEAD"));
    assert!(
        matches!(next(&mut stream).await, Part::Snapshot(found) if found == resource("counters/a", 1, 1))
    );
}

#[tokio::test]
async fn a_token_from_before_retention_is_answered_by_a_reset() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let env = Env::new(clock.clone());
    let memory = bellwether_journal::MemoryStore::new(&env);
    let retention = Retention { events: Duration::from_secs(60), ..Retention::default() };
    let open = async || -> Store<Counter> {
        let options = Options { retention, ..Options::new(env.clone()) };
        Store::load(Arc::new(MemoryJournal::open(&memory, options)), env.clone()).await.unwrap()
    };
    let store = open().await;
    let mut stream = watch(&store, "", "");
    let (_, token) = until_current(&mut stream).await;
    count(&store, "counters/a", 1).await;
    close(&store, "counters/a").await;
    count(&store, "counters/b", 2).await;
    clock.advance(Duration::from_secs(61));
    // waits for the snapshot that closing took
    store
        .transact("counters/a", Call::internal(), |_, _| Ok::<_, Infallible>(Decision::new(vec![])))
        .await
        .unwrap();
    assert_eq!(store.journal().trim().await.unwrap().events, 2);
    let store = open().await;
    let mut stream = watch(&store, "", &token);
    assert!(matches!(next(&mut stream).await, Part::Reset(reset) if reset.reason == "EXPIRED"));
    assert!(matches!(next(&mut stream).await, Part::Snapshot(found) if found.name == "counters/b"));
    assert!(matches!(next(&mut stream).await, Part::Current(_)));
}

#[tokio::test]
async fn heartbeats_come_in_quiet_times_and_move_the_token() {
    let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
    let env = Env::new(clock.clone());
    let memory = bellwether_journal::MemoryStore::new(&env);
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::open(&memory, Options::new(env.clone())));
    let store: Store<Counter> = Store::load(journal, env.clone()).await.unwrap();
    let mut stream = watch(&store, "name = rare", "");
    let (_, first) = until_current(&mut stream).await;
    count(&store, "counters/a", 1).await;
    clock.advance(Duration::from_secs(6));
    let beat = loop {
        match next(&mut stream).await {
            Part::Heartbeat(beat) if beat.resume_token == first => clock.advance(Duration::from_secs(6)),
            Part::Heartbeat(beat) => break beat,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(bellwether_resource::time::timestamp(&beat.time.unwrap()), Some(clock.now()));
    let (missed, token) = until_current(&mut watch(&store, "name = rare", &beat.resume_token)).await;
    assert_eq!((missed, token), (vec![], beat.resume_token));
}

#[tokio::test]
async fn a_stopping_server_sends_the_last_token_and_ends() {
    let store = load(&memory()).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let mut stream = watch_until(&store, "", "", async move { drop(stopped.await) });
    let (_, token) = until_current(&mut stream).await;
    drop(stop);
    assert!(matches!(next(&mut stream).await, Part::Heartbeat(beat) if beat.resume_token == token));
    let status = outcome(&mut stream).await.unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_error_details().error_info().unwrap().reason, "DRAINING");
    assert!(outcome(&mut stream).await.is_none());
}

#[tokio::test]
async fn a_lost_journal_ends_the_stream() {
    let memory = memory();
    let store = load(&memory).await;
    let mut stream = watch(&store, "", "");
    until_current(&mut stream).await;
    let _successor = load(&memory).await;
    assert!(matches!(next(&mut stream).await, Part::Heartbeat(_)));
    assert_eq!(outcome(&mut stream).await.unwrap().unwrap_err().code(), Code::Unavailable);
    assert!(outcome(&mut stream).await.is_none());
}

/// A thousand readers, each with a filter of its own: each gets its own, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_each_get_their_own() {
    let store = load(&memory()).await;
    let readers: Vec<_> = (0..1000)
        .map(|number| {
            let mut stream = watch(&store, &format!("name = counters/{number}"), "");
            spawn("reader", async move {
                let mut sequences = vec![];
                while sequences.len() < 3 {
                    match next(&mut stream).await {
                        Part::Changed(change, resource) => {
                            assert_eq!(resource.name, format!("counters/{number}"));
                            sequences.push(change.version);
                        }
                        Part::Snapshot(resource) => sequences.extend(1..=resource.version as i64),
                        Part::Current(_) | Part::Heartbeat(_) => {}
                        other => panic!("{other:?}"),
                    }
                }
                sequences
            })
        })
        .collect();
    for _ in 0..3 {
        for number in 0..1000 {
            count(&store, &format!("counters/{number}"), 1).await;
        }
    }
    for reader in readers {
        assert_eq!(reader.await.unwrap(), [1, 2, 3]);
    }
}

/// What is sent for a change is the same memory for all who have the same filter.
#[tokio::test]
async fn a_change_is_encoded_once_for_all() {
    let store = load(&memory()).await;
    let open = |filter: &str| {
        let response = store.watch(Shown, filter, "", futures::future::pending()).unwrap().respond();
        response.extensions().get::<Frames>().unwrap().take().unwrap()
    };
    let mut streams = [open(""), open(""), open("name = \"counters/a\"")];
    for stream in &mut streams {
        assert!(matches!(decode(stream.next().await.unwrap().unwrap()), Part::Current(_)));
    }
    count(&store, "counters/a", 1).await;
    let mut frames = vec![];
    for stream in &mut streams {
        frames.push(stream.next().await.unwrap().unwrap());
    }
    assert_eq!(frames[0].as_ptr(), frames[1].as_ptr());
    let [first, _, filtered] = &frames[..] else { panic!() };
    let ((first, told), (filtered, same)) =
        (changed(decode(first.clone())), changed(decode(filtered.clone())));
    assert_eq!(told, same);
    assert_ne!(first.resume_token, filtered.resume_token);
    assert_eq!(
        Change { resume_token: String::new(), ..first },
        Change { resume_token: String::new(), ..filtered.clone() }
    );
    let (missed, _) = until_current(&mut watch(&store, "name = counters/a", &filtered.resume_token)).await;
    assert_eq!(missed, []);
}
