//! Whatever is done to a journal, memory and SQLite give the same answers.

use std::sync::Arc;

use bellwether_clock::{Env, Timestamp};
use bellwether_journal::{
    Commit, Journal, MemoryJournal, MemoryStore, NewEvent, Options, RequestRecord, SqliteJournal,
};
use proptest::{collection::vec, prelude::*};

/// One commit, of small numbers so that names meet.
#[derive(Clone, Debug)]
struct Step {
    parts: Vec<(u8, u64, u8, bool)>,
    puts: Vec<(u8, Option<u8>)>,
    snapshot: Option<(u8, u64)>,
    request: Option<u8>,
}

fn step() -> impl Strategy<Value = Step> {
    let part = (0..3u8, 0..6u64, 0..3u8, any::<bool>());
    let put = (0..4u8, proptest::option::of(any::<u8>()));
    let snapshot = proptest::option::weighted(0.2, (0..3u8, 0..6u64));
    let request = proptest::option::weighted(0.3, 0..3u8);
    (vec(part, 0..3), vec(put, 0..4), snapshot, request).prop_map(|(parts, puts, snapshot, request)| Step {
        parts,
        puts,
        snapshot,
        request,
    })
}

fn commit(step: &Step, number: usize) -> Commit {
    // whole nanoseconds, so that nothing is lost on the way
    let time = Env::system().now();
    let mut commit = Commit::new(time);
    for (stream, version, events, ended) in &step.parts {
        let events = (0..*events).map(|event| NewEvent::new("E", format!("{number}.{event}"))).collect();
        let append = if *ended { Commit::append_ended } else { Commit::append };
        commit = append(commit, format!("s{stream}"), *version, events);
    }
    for (key, value) in &step.puts {
        commit = match value {
            Some(value) => commit.put(format!("k{key}"), vec![*value]),
            None => commit.delete(format!("k{key}")),
        };
    }
    if let Some((stream, version)) = step.snapshot {
        commit = commit.snapshot(format!("s{stream}"), version, format!("at {version}"));
    }
    if let Some(id) = step.request {
        let answer = number.to_string().into();
        commit = commit.request(RequestRecord {
            scope: "s".into(),
            id: id.to_string(),
            digest: [id; 32],
            answer,
            time,
        });
    }
    commit
}

/// Everything that can be read.
async fn contents(journal: &dyn Journal) -> String {
    let mut all = format!("{:?}\n{:?}\n", journal.feed(0, 1000).await, journal.scan("", None, 100).await);
    for info in journal.streams("", None, 100).await.unwrap() {
        all += &format!("{info:?} {:?}\n", journal.snapshot(&info.stream).await.unwrap());
        all += &format!("{:?}\n", journal.stream(&info.stream, 1, 2).await);
    }
    for id in 0..3 {
        all += &format!("{:?}\n", journal.request("s", &id.to_string()).await.unwrap());
    }
    all
}

async fn check(steps: Vec<Step>) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { ballast_bytes: 0, ..Options::new(Env::system()) };
    let sqlite = SqliteJournal::open(&directory.path().join("j.db"), options.clone()).await.unwrap();
    let memory = MemoryJournal::open(&MemoryStore::new(&Env::system()), options);
    let (sqlite, memory): (Arc<dyn Journal>, Arc<dyn Journal>) = (Arc::new(sqlite), Arc::new(memory));
    for (number, step) in steps.iter().enumerate() {
        let commit = commit(step, number);
        let one = format!("{:?}", sqlite.commit(commit.clone()).await);
        let other = format!("{:?}", memory.commit(commit).await);
        assert_eq!(one, other, "{step:?}");
    }
    assert_eq!(contents(&*sqlite).await, contents(&*memory).await);
    sqlite.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_sqlite_agree(steps in vec(step(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(steps));
    }
}

#[test]
fn times_are_kept_to_the_nanosecond() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let options = Options { ballast_bytes: 0, ..Options::new(Env::system()) };
        let journal = SqliteJournal::open(&directory.path().join("j.db"), options).await.unwrap();
        let times = [Timestamp::UNIX_EPOCH, "1969-07-20T20:17:40.123456789Z".parse().unwrap()];
        for (version, time) in times.into_iter().enumerate() {
            let commit = Commit::new(time).append("a", version as u64, vec![NewEvent::new("E", "{}")]);
            journal.commit(commit).await.unwrap();
        }
        let found = journal.stream("a", 0, 9).await.unwrap();
        assert_eq!(found.iter().map(|record| record.time).collect::<Vec<_>>(), times);
        journal.close().await;
    });
}
