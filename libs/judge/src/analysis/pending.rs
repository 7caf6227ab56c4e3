//! Counts that wait for the other side.
//!
//! Most of the time nothing waits, in thousands of analyses: their room is shared, one after the other, by all that a thread
//! looks after.

use std::cell::RefCell;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::tick::{Part, Tick};

/// Counts under one route revision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub revision: i64,
    pub since: Timestamp,
    /// What of a tick is collected here.
    #[serde(default)]
    pub part: Part,
    pub tick: Tick,
    /// The baseline's part of it, as a placebo group and the rest.
    #[serde(default)]
    pub placebo: Tick,
}

/// Rooms that a thread keeps.
const SPARE: usize = 8;

thread_local! {
    static ROOMS: RefCell<Vec<Pending>> = const { RefCell::new(Vec::new()) };
}

// === impl Pending ===

impl Pending {
    /// Empty, with room for so many statuses and journeys.
    pub(super) fn new(
        (revision, part): (i64, Part),
        since: Timestamp,
        statuses: usize,
        journeys: usize,
    ) -> Self {
        let spare = ROOMS.with_borrow_mut(Vec::pop);
        let (mut tick, mut placebo) = spare.map(|spare| (spare.tick, spare.placebo)).unwrap_or_default();
        tick.size(statuses, journeys);
        placebo.size(statuses, journeys);
        Self { revision, since, part, tick, placebo }
    }

    /// Gives the room of those with nothing in them to whoever needs it next.
    pub(super) fn drop_empty(pending: &mut Vec<Self>) {
        ROOMS.with_borrow_mut(|rooms| {
            for mut empty in pending.extract_if(.., |pending| pending.is_empty()) {
                if rooms.len() < SPARE {
                    empty.clear();
                    rooms.push(empty);
                }
            }
        });
    }

    pub(super) fn clear(&mut self) {
        self.tick.clear();
        self.placebo.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tick.candidate.counted(self.part) == 0 && self.tick.baseline.counted(self.part) == 0
    }
}
