//! One owner at a time, between processes.

use std::{path::Path, sync::Arc, time::Duration};

use bellwether_clock::{Env, spawn};
use bellwether_journal::{Commit, Journal, Lease, NewEvent, OpenError, Options, SqliteJournal};
use rustix::process::Signal;

use crate::child::{Owner, short_lease};

fn options(standby: bool, lease: Lease) -> Options {
    Options { standby, lease, ballast_bytes: 0, ..Options::new(Env::system()) }
}

async fn open(path: &Path, standby: bool, lease: Lease) -> Result<Arc<SqliteJournal>, OpenError> {
    SqliteJournal::open(path, options(standby, lease)).await.map(Arc::new)
}

async fn append(journal: &SqliteJournal, version: u64) {
    let event = NewEvent::new("Counted", (version + 1).to_string());
    journal.commit(Commit::new(Env::system().now()).append("a", version, vec![event])).await.unwrap();
}

#[tokio::test]
async fn a_second_process_is_refused_and_told_by_whom() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let mut owner = Owner::start(&path, "on-demand", &[]);
    match open(&path, false, Lease::default()).await {
        Err(error @ OpenError::Owned { pid, epoch: 1, .. }) if pid == owner.pid() => {
            let said = error.to_string();
            assert!(said.contains("in use by process") && said.contains("standby"), "{said}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(owner.commit(), "ok 1", "the owner is not disturbed");
}

/// The lock of a dead process is free: nobody waits for its lease.
#[tokio::test]
async fn a_standby_takes_over_at_once_from_a_dead_owner() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let mut owner = Owner::start(&path, "on-demand", &[]);
    owner.commit();
    let for_ever = Lease { length: Duration::from_secs(3600), renew: Duration::from_secs(1) };
    let standby = {
        let path = path.clone();
        spawn("standby", async move { open(&path, true, for_ever).await.unwrap() })
    };
    assert_eq!(owner.commit(), "ok 2", "a waiting standby does not disturb");
    owner.signal(Signal::KILL);
    let journal = standby.await.unwrap();
    assert_eq!(journal.epoch().number, 2);
    append(&journal, 2).await;
    journal.close().await;
}

/// A stopped owner keeps its lock but not its lease; continued, it can do no harm and knows it.
#[tokio::test]
async fn a_stopped_owner_is_overtaken_and_fenced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let mut owner = Owner::start(&path, "short-lease", &[]);
    assert_eq!(owner.commit(), "ok 1");
    owner.signal(Signal::STOP);
    let journal = open(&path, true, short_lease()).await.unwrap();
    assert_eq!(journal.epoch().number, 2);
    append(&journal, 1).await;

    owner.signal(Signal::CONT);
    for _ in 0..3 {
        assert_eq!(owner.commit(), "error Fenced { epoch: 1 }");
    }
    // the first lock is still held, but it is not the one that counts any more
    assert!(matches!(open(&path, false, short_lease()).await, Err(OpenError::Owned { epoch: 2, .. })));
    drop(owner);
    assert!(matches!(open(&path, false, short_lease()).await, Err(OpenError::Owned { epoch: 2, .. })));
    append(&journal, 2).await;
    let found = journal.feed(0, 9).await.unwrap();
    assert_eq!(found.iter().map(|record| record.epoch).collect::<Vec<_>>(), [1, 2, 2]);
    journal.close().await;

    let next = open(&path, false, short_lease()).await.unwrap();
    assert_eq!(next.epoch().number, 3);
    next.close().await;
}

/// Of several standbys one takes over, and the others go on waiting for it.
#[tokio::test]
async fn of_several_standbys_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let owner = Owner::start(&path, "short-lease", &[]);
    owner.signal(Signal::STOP);
    let (won, mut winners) = tokio::sync::mpsc::channel(4);
    for _ in 0..4 {
        let (path, won) = (path.clone(), won.clone());
        spawn("standby", async move { won.send(open(&path, true, short_lease()).await.unwrap()).await });
    }
    for epoch in 2..6 {
        let journal = winners.recv().await.unwrap();
        assert_eq!(journal.epoch().number, epoch);
        append(&journal, epoch - 2).await;
        assert!(winners.try_recv().is_err(), "two owners at the same time");
        journal.close().await;
    }
}

#[tokio::test]
async fn the_lease_is_renewed_while_nothing_happens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let journal = open(&path, false, short_lease()).await.unwrap();
    let standby = {
        let path = path.clone();
        spawn("standby", async move { open(&path, true, short_lease()).await.map(drop) })
    };
    let env = Env::system();
    let start = env.now();
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    while env.since(start) < 2 * short_lease().length {
        looks.tick().await;
        assert!(journal.lease_left() > Duration::ZERO);
    }
    assert!(!standby.is_finished(), "a living owner is not overtaken");
    journal.close().await;
}

/// An owner stopped inside a write holds the takeover up until it goes on or dies; who may not wait is told at once.
#[tokio::test]
async fn an_owner_stopped_inside_a_write_holds_the_takeover_up() {
    use sqlx::{ConnectOptions as _, Executor as _};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let owner = Owner::start(&path, "short-lease", &[]);
    owner.signal(Signal::STOP);
    // SQLite's write lock, as if the owner had been stopped with it
    let mut write = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
    write.execute("BEGIN IMMEDIATE").await.unwrap();
    assert!(matches!(open(&path, false, short_lease()).await, Err(OpenError::Owned { epoch: 1, .. })));
    let mut standby = {
        let path = path.clone();
        spawn("standby", async move { open(&path, true, short_lease()).await.unwrap() })
    };
    let waited = tokio::time::timeout(2 * short_lease().length, &mut standby).await;
    assert!(waited.is_err(), "it was taken over from under a write");
    write.execute("ROLLBACK").await.unwrap();
    let journal = standby.await.unwrap();
    assert_eq!(journal.epoch().number, 2);
    journal.close().await;
}
