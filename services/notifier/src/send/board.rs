//! What the workers say about their receivers.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use bellwether_clock::Timestamp;

use crate::message::Reason;

/// Where workers say that they leave their receiver alone, and until when.
#[derive(Debug, Default)]
pub struct Board(Mutex<BTreeMap<String, Held>>);

/// A receiver that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Until then.
    pub until: Timestamp,
    /// Why.
    pub reason: Reason,
}

// === impl Board ===

impl Board {
    /// How a receiver is held, if it is.
    pub fn held(&self, receiver: &str) -> Option<Held> {
        self.with(|board| board.get(receiver).cloned())
    }

    pub(super) fn set(&self, receiver: &str, held: Option<Held>) {
        self.with(|board| match held {
            Some(held) => board.insert(receiver.to_owned(), held),
            None => board.remove(receiver),
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut BTreeMap<String, Held>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
