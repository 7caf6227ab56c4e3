//! Writes down what the journal tells of analyses, for longer than the journal keeps it.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use bellwether_journal::{EventRecord, Journal, ReadError};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Aggregate as _;

use super::{Recorder, Store, Story};
use crate::{
    board::signed,
    record::{Analyses, Event},
};

const PAGE: usize = 200;

/// Follows the journal from where it was last followed, until it is closed. `begun` is told of every analysis that
/// begins.
///
/// # Errors
/// The journal or the file cannot be read or written.
pub async fn follow(
    recorder: &Recorder,
    journal: &dyn Journal,
    begun: impl Fn(&pb::Analysis) + Send + Sync,
) -> anyhow::Result<()> {
    let store = recorder.store();
    let mut head = journal.head();
    let mut position = store.position().await?.min(*head.borrow());
    loop {
        recorder.followed(position);
        let page = match journal.feed(position, PAGE).await {
            Ok(page) => page,
            // what is gone is gone; what is still told begins somewhere after it
            Err(ReadError::Trimmed { horizon, .. }) if horizon > position => {
                position = horizon;
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let Some(last) = page.last().map(|record| record.position) else {
            if head.changed().await.is_err() {
                return Ok(());
            }
            continue;
        };
        store.tell(told(store, &page, &begun).await?, last).await?;
        position = last;
    }
}

/// The stories that a page goes on with.
async fn told(
    store: &Store,
    page: &[EventRecord],
    begun: &(impl Fn(&pb::Analysis) + Send + Sync),
) -> anyhow::Result<Vec<Story>> {
    let mut stories: BTreeMap<&str, Option<Story>> = BTreeMap::new();
    for record in page.iter().filter(|record| record.stream.starts_with(Analyses::PREFIX)) {
        let event: Event = match serde_json::from_slice(&record.payload) {
            Ok(event) => event,
            Err(error) => {
                tracing::warn!(%error, position = record.position, "an event is not recorded");
                continue;
            }
        };
        if let Event::Started { analysis, .. } = &event {
            begun(analysis);
        }
        let story = match stories.remove(&*record.stream) {
            Some(story) => story,
            None => store.story(&record.stream).await?,
        };
        let at: Timestamp = record.time;
        stories.insert(&record.stream, Story::after(story, event, signed(record.position), at));
    }
    Ok(stories.into_values().flatten().collect())
}
