//! What a reader is told: snapshots, recent facts, and the journal's pages.

use std::sync::{Arc, PoisonError};

use bellwether_journal::{EventRecord, ReadError};
use tonic::Status;

use super::{
    super::{
        Changed, Part, View,
        out::{Out, message},
        resume::Unusable,
        told::Fact,
    },
    Phase, Watcher,
};
use crate::{Aggregate as _, Entry, error::STORAGE_FAILED, store::decode_event};

/// How many events are prepared at once: bounds what a slow reader costs.
const PAGE: usize = 64;

// === impl Watcher ===

impl<V: View> Watcher<V> {
    pub(super) fn show(&mut self, entry: &Entry<V::Aggregate>) {
        let resources = self.view.resources(entry).into_iter();
        let matching = resources.filter(|resource| self.filter.matches(|field| V::value(resource, field)));
        self.queue.extend(matching.map(|resource| Out::Own(V::message(Part::Snapshot(resource)))));
    }

    /// Prepares the next events: the recent ones as they were told, older ones from the journal.
    pub(super) async fn read(&mut self) -> Result<(), Option<Status>> {
        let recent = {
            let told = self.store.0.told.read().unwrap_or_else(PoisonError::into_inner);
            told.after(self.position, PAGE)
        };
        match recent {
            Some((facts, until)) => {
                for fact in facts {
                    self.tell_recent(fact);
                }
                self.position = until;
            }
            None => self.read_journal().await?,
        }
        if self.queue.is_empty() && self.until_beat().is_zero() {
            self.beat();
        }
        Ok(())
    }

    async fn read_journal(&mut self) -> Result<(), Option<Status>> {
        let told = self.progress.borrow().position;
        let page = match self.store.journal().feed(self.position, PAGE).await {
            Ok(page) => page,
            Err(ReadError::Trimmed { .. }) => {
                self.reset(Unusable::Expired);
                return Ok(());
            }
            Err(error) => return Err(Some(self.unreadable(&error))),
        };
        for record in page.into_iter().take_while(|record| record.position <= told) {
            self.position = record.position;
            if record.stream.starts_with(V::Aggregate::PREFIX)
                && let Some(entry) = self.newest(&record.stream)
            {
                let event =
                    decode_event::<V::Aggregate>(&record).map_err(|error| Some(self.unreadable(&error)))?;
                self.tell(&record, self.view.change(&record, &event, &entry).as_ref());
            }
        }
        Ok(())
    }

    /// The newest state that watchers may see; remembers that it will have been seen.
    fn newest(&mut self, stream: &str) -> Option<Arc<Entry<V::Aggregate>>> {
        let entry = self.store.find(stream)?.published();
        self.seen_until = self.seen_until.max(entry.position);
        Some(entry)
    }

    /// As it was told to everybody; or with the newest state, when the reader has seen a newer one.
    fn tell_recent(&mut self, fact: Arc<Fact<V::Aggregate>>) {
        let is_behind = fact.record.position <= self.seen_until;
        if let Some(newest) = is_behind.then(|| self.newest(&fact.record.stream)).flatten() {
            let changed = self.view.change(&fact.record, &fact.event, &newest);
            return self.tell(&fact.record, changed.as_ref());
        }
        if let Some(shown) = fact.shown(&self.view).filter(|shown| self.matches(&shown.changed)) {
            self.queue.push_back(Out::Told(fact, shown));
        }
    }

    fn tell(&mut self, record: &EventRecord, changed: Option<&Changed<V::Resource>>) {
        if let Some(changed) = changed.filter(|changed| self.matches(changed)) {
            self.queue.push_back(Out::Own(message::<V>(record, changed, self.origin)));
        }
    }

    fn matches(&self, changed: &Changed<V::Resource>) -> bool {
        self.filter.matches(|field| V::value(&changed.resource, field))
    }

    fn unreadable(&mut self, error: &dyn std::error::Error) -> Status {
        self.span.in_scope(|| tracing::error!(error = %error, "a watch ends: the journal cannot be read"));
        self.phase = Phase::Over;
        STORAGE_FAILED.because("the service cannot read its journal").into()
    }
}
