//! Events in the making, applied as they are made.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::{event::Event, evolve, model::TargetState};

/// More consequences at one moment than this do not exist; a bound, so that a mistake cannot hang the shell.
const MOST: usize = 1_000;

pub(crate) struct Draft<'a> {
    state: Cow<'a, TargetState>,
    events: Vec<Event>,
    now: Timestamp,
    broken: bool,
}

// === impl Draft ===

impl<'a> Draft<'a> {
    pub(crate) const fn new(state: &'a TargetState, now: Timestamp) -> Self {
        Self { state: Cow::Borrowed(state), events: Vec::new(), now, broken: false }
    }

    /// Adds events; after one that cannot happen (a mistake in this crate) nothing more is added.
    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if self.broken {
                return;
            }
            let state = std::mem::replace(&mut self.state, Cow::Owned(TargetState::default()));
            match evolve(state.into_owned(), &event, self.now) {
                Ok(state) => {
                    self.state = Cow::Owned(state);
                    self.events.push(event);
                }
                Err(illegal) => {
                    debug_assert!(false, "{illegal}: {event:?}");
                    self.broken = true;
                }
            }
        }
    }

    /// Adds what follows from the state, until nothing does.
    pub(crate) fn follow(&mut self, next: impl Fn(&TargetState, Timestamp) -> Vec<Event>) {
        while !self.broken && self.events.len() < MOST {
            let more = next(&self.state, self.now);
            if more.is_empty() {
                return;
            }
            self.extend(more);
        }
        debug_assert!(self.events.len() < MOST, "the engine does not come to rest: {:?}", self.events.last());
    }

    /// The state after the events.
    pub(crate) fn state(&self) -> &TargetState {
        &self.state
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    pub(crate) fn into_events(self) -> Vec<Event> {
        self.events
    }
}
