//! The keyed table.

use super::{Subject, append, feed_after, now};
use crate::{Commit, Committed};

/// Cursors and outboxes are written without events, too.
pub async fn puts_need_no_events(subject: &impl Subject) {
    let journal = subject.open().await;
    journal.commit(append("a", 0, &["one"])).await.unwrap();
    let commit = Commit::new(now()).put("cursor/executor", "17").put("outbox/1", vec![255u8, 0]);
    assert_eq!(journal.commit(commit).await.unwrap(), Committed { position: 1, events: 0 });
    assert_eq!(journal.get("cursor/executor").await.unwrap().unwrap(), "17");
    assert_eq!(journal.get("outbox/1").await.unwrap().unwrap().as_ref(), [255u8, 0]);
    assert_eq!(journal.get("cursor/planner").await.unwrap(), None);
    assert_eq!(feed_after(&*journal, 0).await.len(), 1);
    journal.close().await;
}

/// Later puts override earlier ones, within a commit and from commit to commit.
pub async fn puts_are_applied_in_order(subject: &impl Subject) {
    let journal = subject.open().await;
    let commit =
        Commit::new(now()).put("a", "1").delete("a").put("b", "1").put("b", "2").delete("c").put("c", "3");
    journal.commit(commit).await.unwrap();
    let all = journal.scan("", None, 10).await.unwrap();
    assert_eq!(all, [("b".to_owned(), "2".into()), ("c".to_owned(), "3".into())]);
    journal.commit(Commit::new(now()).delete("b").put("c", "4")).await.unwrap();
    let all = journal.scan("", None, 10).await.unwrap();
    assert_eq!(all, [("c".to_owned(), "4".into())]);
    journal.close().await;
}

/// A scan finds exactly what begins with the prefix, by key, in pages.
pub async fn scans_by_prefix_in_pages(subject: &impl Subject) {
    let journal = subject.open().await;
    let keys = ["outbox", "outbox/", "outbox/1", "outbox/2", "outbox/3", "outbox/é", "outbox0", "pad"];
    let commit = keys.iter().fold(Commit::new(now()), |commit, key| commit.put(*key, *key));
    journal.commit(commit).await.unwrap();
    let mut found: Vec<String> = vec![];
    while let page = journal.scan("outbox/", found.last().map(String::as_str), 2).await.unwrap()
        && !page.is_empty()
    {
        assert!(page.iter().all(|(key, value)| key.as_bytes() == value));
        found.extend(page.into_iter().map(|(key, _)| key));
    }
    assert_eq!(found, keys[1..6]);
    journal.close().await;
}
