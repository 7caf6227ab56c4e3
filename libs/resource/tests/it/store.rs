//! Transactions: serial, repeatable, durable.

use std::{convert::Infallible, sync::Arc};

use bellwether_clock::{Env, spawn};
use bellwether_journal::{Journal, Options, SqliteJournal};
use bellwether_resource::{
    Call, Decision, Done, Store, TransactError,
    error::{NOT_FOUND, Problem},
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::counter::{Count, Counted, Counter, add, load, memory};

const A: &str = "counters/a";

fn call(request_id: &str, payload: &str) -> Call {
    Call::new("alice", "test.Counters/Add", request_id, &payload).unwrap()
}

type Outcome = Result<Done<Counter, String>, TransactError<Infallible>>;

async fn count(store: &Store<Counter>, call: Call, number: i64) -> Outcome {
    store.transact(A, call, move |_, _| Ok(add(number))).await
}

#[tokio::test]
async fn decides_on_the_state_before_and_answers_with_the_one_after() {
    let store = load(&memory()).await;
    assert!(store.get(A).is_none());
    let done = count(&store, Call::internal(), 5).await.unwrap();
    assert_eq!((done.answer.as_str(), done.entry.version, done.repeated), ("5", 1, false));
    let twice = store.transact(A, Call::internal(), |entry, _| {
        let sum = entry.state.sum;
        Ok::<_, Infallible>(Decision::new(vec![Counted::Added(sum), Counted::Added(1)]))
    });
    let done = twice.await.unwrap();
    assert_eq!((done.entry.state.sum, done.entry.version, done.entry.position), (11, 3, 3));
    assert_eq!(store.get(A).unwrap().state, Count { sum: 11, closed: false });
    assert_eq!(store.all().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_calls_on_one_stream_follow_one_another() {
    let store = load(&memory()).await;
    let calls = (0..100).map(|_| {
        let store = store.clone();
        spawn("caller", async move {
            let double = |entry: &bellwether_resource::Entry<Counter>, _| {
                Ok::<_, Infallible>(Decision::new(vec![Counted::Added(1 + entry.state.sum % 7)]))
            };
            store.transact(A, Call::internal(), double).await.unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let expected = (0..100).fold(0i64, |sum, _| sum + 1 + sum % 7);
    let entry = store.get(A).unwrap();
    assert_eq!((entry.version, entry.state.sum), (100, expected));
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer_also_after_a_restart() {
    let memory = memory();
    let store = load(&memory).await;
    count(&store, call("r1", "5"), 5).await.unwrap();
    count(&store, Call::internal(), 1).await.unwrap();
    for store in [store, load(&memory).await] {
        let done = count(&store, call("r1", "5"), 5).await.unwrap();
        assert_eq!((done.answer.as_str(), done.repeated), ("5", true));
        assert_eq!((done.entry.state.sum, done.entry.version), (6, 2));
        let other = count(&store, call("r1", "6"), 6).await.unwrap_err();
        let status = Status::from(match other {
            TransactError::RequestIdReused(id) => TransactError::<Problem>::RequestIdReused(id),
            other => panic!("{other:?}"),
        });
        assert_eq!(status.code(), Code::AlreadyExists);
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "REQUEST_ID_REUSED");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_same_request_on_different_streams_one_is_done() {
    let store = load(&memory()).await;
    let calls = (0..16).map(|number| {
        let store = store.clone();
        let stream = format!("counters/{number}");
        spawn("caller", async move {
            let decide = move |_: &_, _| {
                Ok::<_, Infallible>(Decision::new(vec![Counted::Added(1)]).answer(move |_| number))
            };
            store.transact(&stream, call("create", "x"), decide).await.unwrap().answer
        })
    });
    let mut answers = vec![];
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "everybody is told the same: {answers:?}");
    assert_eq!(store.all().len(), 1);
}

#[tokio::test]
async fn a_refusal_changes_nothing_and_binds_no_request_id() {
    let store = load(&memory()).await;
    let refused =
        store.transact::<(), _>(A, call("r1", "5"), |_, _| Err(NOT_FOUND.because("no such counter"))).await;
    assert_eq!(Status::from(refused.unwrap_err()).code(), Code::NotFound);
    assert!(store.get(A).is_none() && store.all().is_empty());
    let done = count(&store, call("r1", "6"), 6).await.unwrap();
    assert!(!done.repeated);
}

#[tokio::test]
async fn an_illegal_event_is_not_committed() {
    let store = load(&memory()).await;
    let both = store.transact(A, Call::internal(), |_, _| {
        Ok::<_, Infallible>(Decision::new(vec![Counted::Closed, Counted::Added(1)]))
    });
    assert!(matches!(both.await, Err(TransactError::Illegal(_))));
    assert!(store.get(A).is_none());
    assert_eq!(store.journal().feed(0, 9).await.unwrap(), []);
}

#[tokio::test]
async fn deciding_on_nothing_commits_the_answer_and_the_puts_alone() {
    let store = load(&memory()).await;
    let nothing =
        |_: &_, _| Ok::<_, Infallible>(Decision::<Counter, ()>::new(vec![]).answer(|_| "nothing".to_owned()));
    let done = store.transact(A, call("r1", "x"), nothing).await.unwrap();
    assert_eq!((done.answer.as_str(), done.entry.version), ("nothing", 0));
    assert!(store.transact(A, call("r1", "x"), nothing).await.unwrap().repeated);
    let put = store.transact(A, Call::internal(), |_, _| {
        Ok::<_, Infallible>(Decision::new(vec![]).put("cursor", "7").delete("other"))
    });
    put.await.unwrap();
    assert_eq!(store.journal().get("cursor").await.unwrap().unwrap(), "7");
    assert!(store.all().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_leaves_does_not_undo() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { ballast_bytes: 0, ..Options::new(Env::system()) };
    let journal = Arc::new(SqliteJournal::open(&directory.path().join("j.db"), options).await.unwrap());
    let mut head = journal.head();
    let store: Store<Counter> = Store::load(journal.clone(), Env::system()).await.unwrap();
    {
        let leaving = count(&store, Call::internal(), 5);
        futures::pin_mut!(leaving);
        assert!(futures::poll!(&mut leaving).is_pending());
    }
    head.wait_for(|head| *head == 1).await.unwrap();
    let done = count(&store, Call::internal(), 1).await.unwrap();
    assert_eq!((done.answer.as_str(), done.entry.version), ("6", 2));
    journal.close().await;
    let refused = count(&store, Call::internal(), 1).await.unwrap_err();
    assert!(matches!(refused, TransactError::Commit(_)), "{refused:?}");
}

#[tokio::test]
async fn snapshots_shorten_replay_and_let_retention_cut() {
    let memory = memory();
    let store = load(&memory).await;
    for _ in 0..401 {
        count(&store, Call::internal(), 1).await.unwrap();
    }
    let journal = store.journal().clone();
    let kept = journal.snapshot(A).await.unwrap().unwrap();
    assert_eq!(kept.version, 400);
    let close = |_: &_, _| Ok::<_, Infallible>(Decision::new(vec![Counted::Closed]));
    store.transact(A, Call::internal(), close).await.unwrap();
    // the next call on the stream waits for the snapshot that ending it took
    let nothing = |_: &_, _| Ok::<_, Infallible>(Decision::new(vec![]));
    store.transact(A, Call::internal(), nothing).await.unwrap();
    assert_eq!(journal.snapshot(A).await.unwrap().unwrap().version, 402);
    assert!(journal.streams(A, None, 1).await.unwrap()[0].ended);

    let (before, again) = (store.get(A).unwrap(), load(&memory).await.get(A).unwrap());
    assert_eq!((again.version, again.position, &again.state), (402, 402, &before.state));
    assert_eq!((again.create_time, again.update_time), (before.create_time, before.update_time));
}
