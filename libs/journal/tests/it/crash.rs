//! Killed at any moment, a journal holds everything that was acknowledged.

use std::path::Path;

use bellwether_clock::Env;
use bellwether_journal::{CRASH_AT_COMMIT, EventRecord, Journal, Options, SqliteJournal};
use rustix::process::Signal;

use crate::child::Owner;

/// What the journal holds, opened the way a restart does: at once, whatever the dead owner's lease says.
async fn contents(path: &Path, epoch: u64) -> Vec<EventRecord> {
    let options = Options { ballast_bytes: 0, ..Options::new(Env::system()) };
    let journal = SqliteJournal::open(path, options).await.unwrap();
    assert_eq!(journal.epoch().number, epoch);
    let all = journal.feed(0, 1_000_000).await.unwrap();
    journal.close().await;
    for (number, record) in (1..).zip(&all) {
        assert_eq!((record.position, record.version), (number, number));
        assert_eq!(record.payload, number.to_string());
    }
    all
}

#[tokio::test]
async fn kill_at_random_moments_loses_nothing_acknowledged() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let env = Env::system();
    let mut acknowledged: usize = 0;
    for round in 0..8 {
        let mut owner = Owner::start(&path, "restless", &[]);
        let mut said: Vec<String> = (0..env.random() % 40).map(|_| owner.hear()).collect();
        owner.signal(Signal::KILL);
        said.extend(owner.last_words());
        if let Some(last) = said.iter().rev().find_map(|said| said.strip_prefix("ok ")?.parse().ok()) {
            acknowledged = last;
        }
        let held = contents(&path, 2 * round + 2).await.len();
        // the one that was under way may have gone in unacknowledged
        assert!(held == acknowledged || held == acknowledged + 1, "{held} held, {acknowledged} acknowledged");
    }
}

#[tokio::test]
async fn crash_points_hit_exactly_before_and_after_a_commit() {
    for (point, held) in [("before:1", 0), ("after:1", 1), ("j:before:4", 3), ("j:after:4", 4)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("j.db");
        let owner = Owner::start(&path, "restless", &[(CRASH_AT_COMMIT, point)]);
        let said = owner.last_words();
        assert!(said.len() <= held, "{point}: {said:?}");
        assert_eq!(contents(&path, 2).await.len(), held, "{point}");
    }
}

#[tokio::test]
async fn a_crash_point_of_another_journal_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let mut owner =
        Owner::start(&directory.path().join("j.db"), "on-demand", &[(CRASH_AT_COMMIT, "other:before:1")]);
    assert_eq!(owner.commit(), "ok 1");
}
