//! Commits: all or nothing, on the version they name.

use std::sync::Arc;

use bellwether_clock::spawn;

use super::{Subject, append, days_ago, event, events, feed_after, now, request, texts};
use crate::{Commit, CommitError, Committed, NewEvent};

/// Streams, versions, positions, kinds, payloads and times come back as they went in.
pub async fn gives_back_what_was_committed(subject: &impl Subject) {
    let journal = subject.open().await;
    let time = now();
    let binary = NewEvent::new("Binary", vec![0u8, 159, 146, 150]);
    let commit = Commit::new(time).append("a", 0, vec![event("one"), binary, event("")]);
    assert_eq!(journal.commit(commit).await.unwrap(), Committed { position: 3, events: 3 });
    assert_eq!(
        journal.commit(append("b", 0, &["other"])).await.unwrap(),
        Committed { position: 4, events: 1 }
    );

    let records = journal.stream("a", 0, 10).await.unwrap();
    assert_eq!(records.iter().map(|record| record.version).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(records.iter().map(|record| record.position).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(records.iter().all(|record| &*record.stream == "a" && record.time == time));
    assert!(records.iter().all(|record| record.epoch == journal.epoch().number));
    assert_eq!(&*records[1].kind, "Binary");
    assert_eq!(records[1].payload.as_ref(), [0u8, 159, 146, 150]);
    assert_eq!(records[2].payload.as_ref(), b"");
    assert_eq!(feed_after(&*journal, 0).await[..3], records);
    assert_eq!(journal.stream("unheard", 0, 10).await.unwrap(), []);
    journal.close().await;
}

/// A commit decided on an old version is refused as a whole.
pub async fn refuses_a_stale_version_and_changes_nothing(subject: &impl Subject) {
    let journal = subject.open().await;
    journal.commit(append("a", 0, &["one"])).await.unwrap();
    for wrong in [0, 2] {
        let commit = append("a", wrong, &["two"]).put("key", "value").request(request("r", 1, "x", now()));
        match journal.commit(commit).await {
            Err(CommitError::Conflict { stream, expected, actual }) => {
                assert_eq!((stream.as_str(), expected, actual), ("a", wrong, 1));
            }
            other => panic!("expected a conflict, got {other:?}"),
        }
    }
    assert_eq!(feed_after(&*journal, 0).await.len(), 1);
    assert_eq!(journal.get("key").await.unwrap(), None);
    assert_eq!(journal.request("alice/StartRollout", "r").await.unwrap(), None);
    journal.close().await;
}

/// Of commits on the same version, however they are grouped, exactly one goes in.
pub async fn lets_one_of_many_racing_commits_win(subject: &impl Subject) {
    let journal = subject.open().await;
    for version in 0..10 {
        let racers = (0..16).map(|racer| {
            let journal = journal.clone();
            let commit = append("a", version, &[&format!("{version}.{racer}")]);
            spawn("racer", async move { journal.commit(commit).await })
        });
        let mut won = 0;
        for racer in racers.collect::<Vec<_>>() {
            match racer.await.unwrap() {
                Ok(_) => won += 1,
                Err(CommitError::Conflict { actual, .. }) => assert_eq!(actual, version + 1),
                Err(other) => panic!("expected a conflict, got {other:?}"),
            }
        }
        assert_eq!(won, 1);
    }
    assert_eq!(journal.stream("a", 0, 100).await.unwrap().len(), 10);
    journal.close().await;
}

/// A commit may span streams; one stale version refuses all of it.
pub async fn commits_several_streams_together_or_not_at_all(subject: &impl Subject) {
    let journal = subject.open().await;
    let both = append("a", 0, &["a1"]).append("b", 0, events(&["b1", "b2"])).put("cursor", "7");
    assert_eq!(journal.commit(both).await.unwrap(), Committed { position: 3, events: 3 });
    let stale = append("a", 1, &["a2"]).append("b", 1, events(&["b?"])).put("cursor", "8");
    assert!(matches!(journal.commit(stale).await, Err(CommitError::Conflict { actual: 2, .. })));
    assert_eq!(texts(&feed_after(&*journal, 0).await), ["a1", "b1", "b2"]);
    assert_eq!(journal.get("cursor").await.unwrap().unwrap(), "7");
    journal.close().await;
}

/// Nonsense is refused before it does harm.
pub async fn refuses_what_contradicts_itself(subject: &impl Subject) {
    let journal = subject.open().await;
    let wrong = [
        Commit::new(now()),
        append("a", 0, &[]),
        append("", 0, &["x"]),
        append("a", 0, &["x"]).append("a", 1, events(&["y"])),
        Commit::new(now()).put("", "x"),
        append("a", 0, &["x"]).snapshot("a", 2, "state"),
        append("a", 0, &["x"]).snapshot("a", 0, "state"),
        Commit::new(now()).snapshot("unheard", 1, "state"),
    ];
    for commit in wrong {
        let outcome = journal.commit(commit.clone()).await;
        assert!(matches!(outcome, Err(CommitError::Malformed(_))), "{commit:?} gave {outcome:?}");
    }
    assert_eq!(feed_after(&*journal, 0).await, []);
    journal.close().await;
}

/// A request id is bound by the first accepted commit, atomically with its events; a repetition learns the answer,
/// even one that was decided on an old version.
pub async fn records_the_answer_of_a_request_once(subject: &impl Subject) {
    let journal = subject.open().await;
    let first = request("r1", 1, "first", now());
    let repeat = |stream: &str| append(stream, 0, &["x"]).request(request("r1", 2, "second", now()));
    journal.commit(append("a", 0, &["x"]).request(first.clone())).await.unwrap();
    for stream in ["a", "b"] {
        match journal.commit(repeat(stream)).await {
            Err(CommitError::RequestExists(found)) => assert_eq!(*found, first),
            other => panic!("expected the first answer, got {other:?}"),
        }
    }
    assert_eq!(journal.request(&first.scope, "r1").await.unwrap(), Some(first.clone()));
    assert_eq!(journal.request("bob/StartRollout", "r1").await.unwrap(), None);

    let racers = (0..16).map(|racer| {
        let (journal, record) = (journal.clone(), request("r2", racer, "x", now()));
        let commit = append(&format!("s{racer}"), 0, &["x"]).request(record);
        spawn("racer", async move { journal.commit(commit).await.is_ok() })
    });
    let mut won = 0;
    for racer in racers.collect::<Vec<_>>() {
        won += usize::from(racer.await.unwrap());
    }
    assert_eq!((won, feed_after(&*journal, 0).await.len()), (1, 2));
    journal.close().await;
    let journal = subject.open().await;
    assert_eq!(journal.request(&first.scope, "r1").await.unwrap(), Some(first));
    journal.close().await;
}

/// After seven days an id may be used again; trimming removes what is forgotten.
pub async fn forgets_old_answers(subject: &impl Subject) {
    let journal: Arc<_> = subject.open().await;
    let put = |record| Commit::new(now()).put("key", "value").request(record);
    let old = request("r1", 1, "old", days_ago(8));
    journal.commit(put(old.clone())).await.unwrap();
    assert_eq!(journal.request(&old.scope, "r1").await.unwrap(), None);
    let new = request("r1", 2, "new", now());
    journal.commit(put(new.clone())).await.unwrap();
    assert_eq!(journal.request(&old.scope, "r1").await.unwrap(), Some(new.clone()));
    journal.commit(put(request("r2", 1, "old", days_ago(8)))).await.unwrap();
    assert_eq!(journal.trim().await.unwrap().requests, 1);
    assert_eq!(journal.request(&old.scope, "r1").await.unwrap(), Some(new));
    journal.close().await;
}
