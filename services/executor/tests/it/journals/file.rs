//! A journal as a file: a line of JSON for each event, in the order of the feed.

use std::{path::Path, sync::Arc};

use bellwether_clock::{Env, Timestamp};
use bellwether_journal::{Commit, EventRecord, Journal, MemoryJournal, MemoryStore, NewEvent, Options};
use serde::{Deserialize, Serialize};

const PAGE: usize = 1_000;

/// One event.
#[derive(Serialize, Deserialize)]
struct Line {
    stream: String,
    version: u64,
    kind: String,
    time: Timestamp,
    event: serde_json::Value,
}

/// All events of a journal.
pub async fn written(journal: &dyn Journal) -> String {
    let (mut text, mut position) = (String::new(), 0);
    loop {
        let page = journal.feed(position, PAGE).await.unwrap();
        let Some(last) = page.last() else { return text };
        position = last.position;
        for record in &page {
            text.push_str(&serde_json::to_string(&line(record)).unwrap());
            text.push('\n');
        }
    }
}

fn line(record: &EventRecord) -> Line {
    Line {
        stream: record.stream.to_string(),
        version: record.version,
        kind: record.kind.to_string(),
        time: record.time,
        event: serde_json::from_slice(&record.payload).unwrap(),
    }
}

/// A journal with all events of a file.
pub async fn read(path: &Path, env: &Env) -> Arc<dyn Journal> {
    let journal = MemoryJournal::open(&MemoryStore::new(env), Options::new(env.clone()));
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let event = NewEvent::new(line.kind, serde_json::to_vec(&line.event).unwrap());
        let commit = Commit::new(line.time).append(line.stream, line.version - 1, vec![event]);
        journal.commit(commit).await.unwrap();
    }
    Arc::new(journal)
}
