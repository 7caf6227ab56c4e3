//! What watchers have been told of, and the most recent of it.

use std::{collections::VecDeque, sync::Arc};

use bellwether_journal::EventRecord;

use crate::{Aggregate, Entry};

/// How many facts are kept for readers that are up to date; others read the journal.
const KEPT: usize = 1024;

/// One event with the state right after it.
pub(crate) struct Fact<A: Aggregate> {
    pub record: EventRecord,
    pub event: A::Event,
    pub entry: Arc<Entry<A>>,
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
