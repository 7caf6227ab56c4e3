//! One reader of a Watch.

use std::{
    collections::VecDeque,
    sync::{Arc, PoisonError},
    time::Duration,
    vec,
};

use bellwether_clock::Timestamp;
use bellwether_journal::{EventRecord, ReadError};
use bellwether_proto::common::v1::{Change, WatchCurrent, WatchHeartbeat, WatchReset};
use futures::{
    FutureExt as _,
    future::{BoxFuture, Fuse},
};
use tokio::sync::watch;
use tonic::Status;

use super::{
    Changed, Part, Progress, View,
    resume::{Origin, Unusable},
};
use crate::{
    Aggregate, Entry, Filter, Store,
    error::{DRAINING, STORAGE_FAILED},
    store::decode_event,
    time::to_timestamp,
};

/// The contract says at least every ten seconds.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How many events are prepared at once: bounds what a slow reader costs.
const PAGE: usize = 64;

/// Where the stream stands.
enum Phase<A: Aggregate> {
    /// Sends the snapshot; `current` follows at once.
    Snapshot(vec::IntoIter<Arc<Entry<A>>>),
    /// Sends what had been missed up to this position; then `current`.
    CatchingUp(u64),
    /// Sends what happens.
    Live,
    /// Has sent its last token; the status follows.
    Ending,
    /// Has ended.
    Over,
}

pub(super) struct Watcher<V: View> {
    store: Store<V::Aggregate>,
    view: V,
    filter: Filter,
    origin: Origin,
    phase: Phase<V::Aggregate>,
    /// Everything up to here has been sent or queued.
    position: u64,
    /// States as of up to this position have been sent: an event up to it comes with the newest state, so that no
    /// older one follows.
    seen_until: u64,
    queue: VecDeque<Part<V::Resource>>,
    last_sent: Timestamp,
    progress: watch::Receiver<Progress>,
    ended: Fuse<BoxFuture<'static, ()>>,
}

// === impl Watcher ===

impl<V: View> Watcher<V> {
    pub(super) fn new(
        store: Store<V::Aggregate>,
        view: V,
        filter: Filter,
        resume_token: &str,
        ended: BoxFuture<'static, ()>,
    ) -> Self {
        let fields = V::FIELDS.iter().map(|field| field.0).collect::<Vec<_>>().join(",");
        let origin = Origin::new(store.journal().id(), V::Aggregate::PREFIX, &fields, &filter);
        let (progress, last_sent) = (store.0.progress.subscribe(), store.env().now());
        let mut watcher = Self {
            store,
            view,
            filter,
            origin,
            phase: Phase::Live,
            position: 0,
            seen_until: 0,
            queue: VecDeque::new(),
            last_sent,
            progress,
            ended: ended.fuse(),
        };
        watcher.begin(resume_token);
        watcher
    }

    fn begin(&mut self, token: &str) {
        if token.is_empty() {
            return self.take_snapshot();
        }
        let head = self.progress.borrow().position;
        match self.origin.position(token) {
            Ok(position) if position > head => self.reset(Unusable::Ahead),
            Ok(position) => {
                self.position = position;
                self.phase = Phase::CatchingUp(head);
            }
            Err(unusable) => self.reset(unusable),
        }
    }

    fn reset(&mut self, why: Unusable) {
        self.queue.push_back(Part::Reset(WatchReset { reason: why.name().to_owned() }));
        self.take_snapshot();
    }

    fn take_snapshot(&mut self) {
        let (position, entries) = self.store.published();
        self.position = position;
        self.phase = Phase::Snapshot(entries.into_iter());
    }

    /// The next message; none after the end.
    pub(super) async fn next(&mut self) -> Option<Result<V::Message, Status>> {
        loop {
            if let Some(part) = self.queue.pop_front() {
                self.last_sent = self.store.env().now();
                return Some(Ok(V::message(part)));
            }
            match self.advance().await {
                Ok(()) => {}
                Err(Some(status)) => return Some(Err(status)),
                Err(None) => return None,
            }
        }
    }

    /// Does something towards the next message. An error ends the stream.
    async fn advance(&mut self) -> Result<(), Option<Status>> {
        if (&mut self.ended).now_or_never().is_some() {
            return self.end();
        }
        match &mut self.phase {
            Phase::Over => Err(None),
            Phase::Ending => Err(Some(self.farewell())),
            Phase::Snapshot(entries) => {
                match entries.next() {
                    Some(entry) => self.show(&entry),
                    None => self.phase = Phase::CatchingUp(self.position),
                }
                Ok(())
            }
            Phase::CatchingUp(until) if self.position >= *until => {
                self.phase = Phase::Live;
                let resume_token = self.origin.token(self.position);
                self.queue.push_back(Part::Current(WatchCurrent { resume_token }));
                Ok(())
            }
            Phase::CatchingUp(_) => self.read().await,
            Phase::Live => {
                let Progress { position, over } = *self.progress.borrow_and_update();
                match (position > self.position, over) {
                    (true, _) => self.read().await,
                    (false, true) => self.end(),
                    (false, false) => self.wait().await,
                }
            }
        }
    }

    async fn wait(&mut self) -> Result<(), Option<Status>> {
        let due = self.last_sent.checked_add(HEARTBEAT).unwrap_or(Timestamp::MAX);
        let left = self.store.env().until(due);
        tokio::select! {
            biased;
            () = &mut self.ended => return self.end(),
            changed = self.progress.changed() => if changed.is_err() { return self.end() },
            () = tokio::time::sleep(left) => self.beat(),
        }
        Ok(())
    }

    /// Says goodbye with the last token, where there is one.
    fn end(&mut self) -> Result<(), Option<Status>> {
        match std::mem::replace(&mut self.phase, Phase::Ending) {
            Phase::Snapshot(_) | Phase::Ending | Phase::Over => Err(Some(self.farewell())),
            Phase::CatchingUp(_) | Phase::Live => {
                self.beat();
                Ok(())
            }
        }
    }

    /// What the stream ends with.
    fn farewell(&mut self) -> Status {
        self.phase = Phase::Over;
        DRAINING.because("the server ends this stream").retry_after(Duration::ZERO).into()
    }

    fn beat(&mut self) {
        let time = Some(to_timestamp(self.store.env().now()));
        let resume_token = self.origin.token(self.position);
        self.queue.push_back(Part::Heartbeat(WatchHeartbeat { resume_token, time }));
    }

    fn show(&mut self, entry: &Entry<V::Aggregate>) {
        let resources = self.view.resources(entry).into_iter();
        let matching = resources.filter(|resource| self.filter.matches(|field| V::value(resource, field)));
        self.queue.extend(matching.map(Part::Snapshot));
    }

    /// Prepares the next events: the recent ones as they were told, older ones from the journal.
    async fn read(&mut self) -> Result<(), Option<Status>> {
        let recent = {
            let told = self.store.0.told.read().unwrap_or_else(PoisonError::into_inner);
            told.after(self.position, PAGE)
        };
        match recent {
            Some((facts, until)) => {
                for fact in facts {
                    let is_behind = fact.record.position <= self.seen_until;
                    match is_behind.then(|| self.newest(&fact.record.stream)).flatten() {
                        Some(newest) => {
                            let changed = self.view.change(&fact.record, &fact.event, &newest);
                            self.tell(&fact.record, changed.as_ref());
                        }
                        None => self.tell(&fact.record, fact.shown(&self.view).0.as_ref()),
                    }
                }
                self.position = until;
            }
            None => self.read_journal().await?,
        }
        if self.queue.is_empty() && self.store.env().since(self.last_sent) >= HEARTBEAT {
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

    fn tell(&mut self, record: &EventRecord, changed: Option<&Changed<V::Resource>>) {
        let Some(changed) = changed else { return };
        if !self.filter.matches(|field| V::value(&changed.resource, field)) {
            return;
        }
        let change = Change {
            fact: changed.fact.clone(),
            fact_json: changed.fact_json.clone(),
            version: i64::try_from(record.version).unwrap_or(i64::MAX),
            sequence: i64::try_from(record.position).unwrap_or(i64::MAX),
            resume_token: self.origin.token(record.position),
            time: Some(to_timestamp(record.time)),
        };
        let part = if changed.deleted { Part::Deleted } else { Part::Changed };
        self.queue.push_back(part(change, changed.resource.clone()));
    }

    fn unreadable(&mut self, error: &dyn std::error::Error) -> Status {
        tracing::error!(error = %error, "a watch ends: the journal cannot be read");
        self.phase = Phase::Over;
        STORAGE_FAILED.because("the service cannot read its journal").into()
    }
}
