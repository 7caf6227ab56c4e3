//! Snapshots and retention.

use super::{Subject, append, days_ago, event, events, feed_after, now};
use crate::{Commit, ReadError, Trimmed};

/// A stream has its latest snapshot, with or without events in the same commit.
pub async fn replaces_snapshots(subject: &impl Subject) {
    let journal = subject.open().await;
    assert_eq!(journal.snapshot("a").await.unwrap(), None);
    journal.commit(append("a", 0, &["one", "two"]).snapshot("a", 2, "at two")).await.unwrap();
    journal.commit(append("a", 2, &["three"])).await.unwrap();
    let kept = journal.snapshot("a").await.unwrap().unwrap();
    assert_eq!((&*kept.stream, kept.version, kept.payload.as_ref()), ("a", 2, b"at two".as_slice()));
    journal.commit(Commit::new(now()).snapshot("a", 3, "at three")).await.unwrap();
    assert_eq!(journal.snapshot("a").await.unwrap().unwrap().version, 3);
    assert_eq!(journal.snapshot("b").await.unwrap(), None);
    journal.close().await;
}

/// Only what is old, below a snapshot and in an ended stream goes; who asks for it is told.
pub async fn trims_only_old_events_of_ended_streams_below_a_snapshot(subject: &impl Subject) {
    let journal = subject.open().await;
    let old = |stream: &str, ended| {
        let commit = Commit::new(days_ago(40));
        let events = events(&["1", "2", "3"]);
        let commit =
            if ended { commit.append_ended(stream, 0, events) } else { commit.append(stream, 0, events) };
        commit.snapshot(stream, 2, "state")
    };
    journal.commit(old("ended", true)).await.unwrap();
    journal.commit(old("open", false)).await.unwrap();
    let bare = Commit::new(days_ago(40)).append_ended("bare", 0, events(&["1"]));
    journal.commit(bare).await.unwrap();
    let young = Commit::new(now()).append_ended("young", 0, events(&["1"])).snapshot("young", 1, "state");
    journal.commit(young).await.unwrap();

    assert_eq!(journal.trim().await.unwrap(), Trimmed { events: 2, requests: 0 });
    assert_eq!(journal.trim().await.unwrap(), Trimmed::default(), "there is nothing left to trim");
    assert_eq!(journal.horizon().await.unwrap(), 2);
    assert!(matches!(journal.feed(1, 9).await, Err(ReadError::Trimmed { after: 1, horizon: 2 })));
    assert_eq!(feed_after(&*journal, 2).await[0].position, 3);
    assert!(matches!(journal.stream("ended", 0, 9).await, Err(ReadError::Trimmed { after: 0, horizon: 2 })));
    assert_eq!(journal.stream("ended", 2, 9).await.unwrap().len(), 1);
    assert_eq!(journal.stream("open", 0, 9).await.unwrap().len(), 3);
    let listed = journal.streams("ended", None, 1).await.unwrap();
    assert_eq!((listed[0].version, listed[0].trimmed, listed[0].ended), (3, 2, true));

    journal.commit(append("ended", 3, &["4"])).await.unwrap();
    journal.close().await;
    let journal = subject.open().await;
    assert_eq!(journal.horizon().await.unwrap(), 2);
    assert!(matches!(journal.stream("ended", 1, 9).await, Err(ReadError::Trimmed { .. })));
    assert_eq!(journal.stream("ended", 2, 9).await.unwrap().len(), 2);
    assert!(!journal.streams("ended", None, 1).await.unwrap()[0].ended, "it has begun anew");
    journal.close().await;
}

/// A long backlog goes in one call, and positions go on after the last one even when all events are gone.
pub async fn trims_many_events(subject: &impl Subject) {
    let journal = subject.open().await;
    let many = (0..1200).map(|number| event(&number.to_string())).collect();
    let commit = Commit::new(days_ago(31)).append_ended("a", 0, many).snapshot("a", 1200, "state");
    journal.commit(commit).await.unwrap();
    assert_eq!(journal.trim().await.unwrap().events, 1200);
    journal.close().await;
    let journal = subject.open().await;
    assert_eq!(journal.feed(1200, 9).await.unwrap(), []);
    assert_eq!(*journal.head().borrow(), 1200);
    assert_eq!(journal.commit(append("a", 1200, &["next"])).await.unwrap().position, 1201);
    journal.close().await;
}
