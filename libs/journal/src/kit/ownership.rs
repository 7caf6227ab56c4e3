//! One owner at a time.

use std::time::Duration;

use super::{Subject, append, feed_after, now, texts};
use crate::{Commit, CommitError, Health};

/// A restart finds everything, under the next epoch.
pub async fn keeps_everything_across_a_restart(subject: &impl Subject) {
    let journal = subject.open().await;
    let (id, epoch) = (journal.id(), journal.epoch());
    journal.commit(append("a", 0, &["one", "two"]).put("key", "value").snapshot("a", 1, "s")).await.unwrap();
    journal.close().await;

    let journal = subject.open().await;
    assert_eq!(journal.id(), id);
    assert_eq!(journal.epoch().number, epoch.number + 1);
    assert_eq!(*journal.head().borrow(), 2);
    assert_eq!(journal.get("key").await.unwrap().unwrap(), "value");
    assert_eq!(journal.snapshot("a").await.unwrap().unwrap().version, 1);
    assert!(matches!(journal.commit(append("a", 1, &["x"])).await, Err(CommitError::Conflict { .. })));
    assert_eq!(journal.commit(append("a", 2, &["three"])).await.unwrap().position, 3);
    assert_eq!(texts(&feed_after(&*journal, 0).await), ["one", "two", "three"]);
    journal.close().await;
}

/// Once another has taken over, the former owner commits nothing and says why.
pub async fn fences_the_former_owner(subject: &impl Subject) {
    let former = subject.open().await;
    former.commit(append("a", 0, &["one"])).await.unwrap();
    let current = subject.take_over().await;
    assert_eq!(current.id(), former.id());
    assert_eq!(current.epoch().number, former.epoch().number + 1);
    current.commit(append("a", 1, &["two"])).await.unwrap();
    for commit in
        [append("a", 2, &["stale"]), append("b", 0, &["x"]), Commit::new(now()).put("k", "v").urgent()]
    {
        let refused = former.commit(commit).await;
        assert!(
            matches!(refused, Err(CommitError::Fenced { epoch }) if epoch == former.epoch().number),
            "{refused:?}"
        );
    }
    assert!(matches!(former.trim().await, Err(CommitError::Fenced { .. })));
    assert_eq!(*former.health().borrow(), Health::Fenced);
    assert_eq!(former.lease_left(), Duration::ZERO);
    assert!(current.lease_left() > Duration::ZERO);
    assert_eq!(*current.health().borrow(), Health::Serving);
    assert_eq!(texts(&feed_after(&*current, 0).await), ["one", "two"]);
    assert_eq!(current.get("k").await.unwrap(), None);
    former.close().await;
    current.commit(append("a", 2, &["three"])).await.unwrap();
    current.close().await;
}

/// A closed journal refuses; closing twice is no error.
pub async fn refuses_after_close(subject: &impl Subject) {
    let journal = subject.open().await;
    journal.commit(append("a", 0, &["one"])).await.unwrap();
    journal.close().await;
    assert!(matches!(journal.commit(append("a", 1, &["two"])).await, Err(CommitError::Closed)));
    assert_eq!(*journal.health().borrow(), Health::Closed);
    assert_eq!(journal.lease_left(), Duration::ZERO);
    journal.close().await;
}
