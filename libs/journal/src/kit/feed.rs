//! The feed: dense, ordered, paged.

use std::{collections::HashMap, sync::Arc};

use bellwether_clock::spawn;

use super::{Subject, append, feed_after, texts};
use crate::{CommitError, EventRecord, Journal};

const WRITERS: usize = 8;
const COMMITS: usize = 40;

/// Whatever writers do at the same time, a reader that follows the feed sees every position once, in order, and
/// never one before its predecessor.
pub async fn is_dense_and_ordered_under_concurrent_writers(subject: &impl Subject) {
    let journal = subject.open().await;
    let reader = spawn("reader", follow(journal.clone(), (WRITERS * COMMITS * 2) as u64));
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| spawn("writer", write(journal.clone(), writer))).collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let followed = reader.await.unwrap();
    assert_eq!(followed, feed_after(&*journal, 0).await);
    let mut versions: HashMap<Arc<str>, u64> = HashMap::new();
    for (index, record) in followed.iter().enumerate() {
        assert_eq!(record.position, index as u64 + 1);
        let version = versions.entry(record.stream.clone()).or_default();
        *version += 1;
        assert_eq!(record.version, *version, "{}", record.stream);
    }
    journal.close().await;
}

/// Two writers share each stream, so that some of their commits conflict and are tried again.
async fn write(journal: Arc<dyn Journal>, writer: usize) {
    let stream = format!("s{}", writer / 2);
    let mut version = 0;
    for number in 0..COMMITS {
        let text = format!("{writer}.{number}");
        loop {
            match journal.commit(append(&stream, version, &[&text, "and more"])).await {
                Ok(_) => break version += 2,
                Err(CommitError::Conflict { actual, .. }) => version = actual,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
}

async fn follow(journal: Arc<dyn Journal>, until: u64) -> Vec<EventRecord> {
    let mut head = journal.head();
    let mut seen: Vec<EventRecord> = vec![];
    while (seen.len() as u64) < until {
        let page = journal.feed(seen.len() as u64, 7).await.unwrap();
        if page.is_empty() {
            let read = seen.len() as u64;
            head.wait_for(|head| *head > read).await.unwrap();
        }
        seen.extend(page);
    }
    seen
}

/// Streams, feed and listing come in pages that join without gap or repetition.
pub async fn pages(subject: &impl Subject) {
    let journal = subject.open().await;
    for number in 0..25u64 {
        journal.commit(append("t/one", number, &[&number.to_string()])).await.unwrap();
        journal.commit(append(&format!("t/{number:02}"), 0, &["x"])).await.unwrap();
    }
    let mut joined = vec![];
    while let page = journal.stream("t/one", joined.len() as u64, 4).await.unwrap()
        && !page.is_empty()
    {
        assert!(page.len() <= 4);
        joined.extend(page);
    }
    let expected: Vec<String> = (0..25).map(|number| number.to_string()).collect();
    assert_eq!(texts(&joined), expected);
    assert_eq!(journal.feed(48, 100).await.unwrap().len(), 2);

    let mut names: Vec<Arc<str>> = vec![];
    while let page = journal.streams("t/", names.last().map(|name| &**name), 4).await.unwrap()
        && !page.is_empty()
    {
        names.extend(page.into_iter().map(|info| info.stream));
    }
    assert_eq!(names.len(), 26);
    assert!(names.is_sorted());
    assert_eq!(journal.streams("t/one", None, 9).await.unwrap()[0].version, 25);
    assert_eq!(journal.streams("u", None, 9).await.unwrap(), []);
    journal.close().await;
}

/// The head tells readers that there is more, no earlier than they can read it.
pub async fn head_wakes_readers(subject: &impl Subject) {
    let journal = subject.open().await;
    let mut head = journal.head();
    assert_eq!(*head.borrow_and_update(), 0);
    journal.commit(append("a", 0, &["one", "two"])).await.unwrap();
    assert_eq!(*head.wait_for(|head| *head > 0).await.unwrap(), 2);
    assert_eq!(journal.feed(0, 10).await.unwrap().len(), 2);
    journal.close().await;
}
