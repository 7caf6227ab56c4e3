//! What watchers have been told of, and the most recent of it.

use std::{
    any::Any,
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bellwether_journal::EventRecord;
use bytes::Bytes;

use super::{Changed, View, frame::Shared, out::message, resume::Origin};
use crate::{Aggregate, Entry};

/// How many facts are kept for readers that are up to date; others read the journal.
const KEPT: usize = 1024;

/// One event with the state right after it.
pub(crate) struct Fact<A: Aggregate> {
    pub record: EventRecord,
    pub event: A::Event,
    pub entry: Arc<Entry<A>>,
    /// What it means, a [`Shown`] by view: a thousand readers with a filter each would otherwise work it out a thousand
    /// times.
    shown: Mutex<Vec<Box<dyn Any + Send + Sync>>>,
}

/// What an event means in a view, shared by its readers; none when nothing.
pub(super) type Shown<V> = Option<Arc<ShownIn<V>>>;

pub(super) struct ShownIn<V: View> {
    pub(super) changed: Changed<V::Resource>,
    /// Encoded by the first who sends it.
    frame: OnceLock<Option<Shared>>,
}

/// How far watchers may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Progress {
    /// Up to this position.
    pub position: u64,
    /// There will be no more: the journal is lost or closed.
    pub over: bool,
}

/// The recent facts of this kind.
pub(crate) struct Told<A: Aggregate> {
    /// Everything up to here has been told.
    pub position: u64,
    /// Facts after this position are all in `recent`.
    complete_after: u64,
    recent: VecDeque<Arc<Fact<A>>>,
}

// === impl Fact ===

impl<A: Aggregate> Fact<A> {
    pub(crate) fn new(record: EventRecord, event: A::Event, entry: Arc<Entry<A>>) -> Self {
        Self { record, event, entry, shown: Mutex::default() }
    }

    /// What it means in `view`.
    pub(super) fn shown<V: View<Aggregate = A>>(&self, view: &V) -> Shown<V> {
        let show = || -> Shown<V> {
            let changed = view.change(&self.record, &self.event, &self.entry)?;
            Some(Arc::new(ShownIn { changed, frame: OnceLock::new() }))
        };
        if !V::SAME_FOR_ALL {
            return show();
        }
        let mut known = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shown) = known.iter().find_map(|shown| shown.downcast_ref::<Shown<V>>()) {
            return shown.clone();
        }
        let shown = show();
        known.push(Box::new(shown.clone()));
        shown
    }
}

// === impl ShownIn ===

impl<V: View> ShownIn<V> {
    /// The frame for readers of `origin`; none where it cannot be shared.
    pub(super) fn frame(&self, record: &EventRecord, origin: Origin) -> Option<Bytes> {
        let encode = || Shared::new(&message::<V>(record, &self.changed, origin), origin, record.position);
        self.frame.get_or_init(encode).as_ref()?.of(&origin)
    }
}

// === impl Told ===

impl<A: Aggregate> Told<A> {
    pub(crate) fn new(position: u64) -> Self {
        Self { position, complete_after: position, recent: VecDeque::new() }
    }

    pub(crate) fn push(&mut self, fact: Fact<A>) {
        if self.recent.len() == KEPT
            && let Some(oldest) = self.recent.pop_front()
        {
            self.complete_after = oldest.record.position;
        }
        self.recent.push_back(Arc::new(fact));
    }

    /// Facts after `position`, at most `most`, and up to where they are complete. None when they are not kept any
    /// more.
    pub(crate) fn after(&self, position: u64, most: usize) -> Option<(Vec<Arc<Fact<A>>>, u64)> {
        if position < self.complete_after {
            return None;
        }
        let start = self.recent.partition_point(|fact| fact.record.position <= position);
        let facts: Vec<_> = self.recent.range(start..).take(most).cloned().collect();
        let reaches_end = start + facts.len() == self.recent.len();
        let until = match facts.last() {
            Some(last) if !reaches_end => last.record.position,
            Some(_) | None => self.position,
        };
        Some((facts, until))
    }
}
