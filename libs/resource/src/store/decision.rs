//! What a decision consists of, and what became of it.

use std::{fmt, sync::Arc};

use bellwether_journal::Put;
use bytes::Bytes;

use crate::{Aggregate, Entry};

/// Makes the answer from the state after the events.
type Answer<A, T> = Box<dyn FnOnce(&Entry<A>) -> T + Send>;

/// What is to happen, and what to answer once it has.
pub struct Decision<A: Aggregate, T> {
    pub(super) events: Vec<A::Event>,
    pub(super) answer: Answer<A, T>,
    pub(super) puts: Vec<Put>,
    pub(super) urgent: bool,
}

/// A transaction that is durable.
pub struct Done<A: Aggregate, T> {
    /// The answer; the first one, when the call was a repetition.
    pub answer: T,
    /// The stream's state now.
    pub entry: Arc<Entry<A>>,
    /// Whether the call was a repetition and changed nothing.
    pub repeated: bool,
}

// === impl Decision ===

impl<A: Aggregate> Decision<A, ()> {
    /// These events, without an answer. None at all: nothing changes.
    pub fn new(events: Vec<A::Event>) -> Self {
        Self { events, answer: Box::new(|_| ()), puts: vec![], urgent: false }
    }
}

impl<A: Aggregate, T> Decision<A, T> {
    /// The answer, made from the state after the events.
    pub fn answer<U>(self, answer: impl FnOnce(&Entry<A>) -> U + Send + 'static) -> Decision<A, U> {
        Decision { events: self.events, answer: Box::new(answer), puts: self.puts, urgent: self.urgent }
    }

    /// Also sets a key of the journal's table.
    pub fn put(mut self, key: impl Into<String>, value: impl Into<Bytes>) -> Self {
        self.puts.push(Put { key: key.into(), value: Some(value.into()) });
        self
    }

    /// Also removes a key of the journal's table.
    pub fn delete(mut self, key: impl Into<String>) -> Self {
        self.puts.push(Put { key: key.into(), value: None });
        self
    }

    /// It must go through on a full disk too: a failed verdict, an abort, a rollback, a pause.
    pub fn urgent(mut self, urgent: bool) -> Self {
        self.urgent = urgent;
        self
    }
}

// === impl Done ===

impl<A: Aggregate, T: fmt::Debug> fmt::Debug for Done<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { answer, entry, repeated } = self;
        let mut shown = f.debug_struct("Done");
        shown.field("answer", answer).field("entry", entry).field("repeated", repeated).finish()
    }
}
