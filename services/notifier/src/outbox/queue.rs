//! What waits for one receiver, and which goes next. Pure.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use uuid::Uuid;

use super::Delivery;
use crate::message::Class;

/// The deliveries that wait for one receiver.
///
/// Only the oldest of each subject may go, so that a subject's messages arrive in order; among those that may, the
/// highest class goes first, then the oldest.
#[derive(Debug, Default)]
pub struct Queue {
    subjects: BTreeMap<String, BTreeMap<u64, Entry>>,
    len: usize,
}

#[derive(Debug)]
struct Entry {
    id: Uuid,
    class: Class,
    due: Timestamp,
    since: Timestamp,
    in_flight: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Send this one.
    Send(Uuid),
    /// Nothing is due before then.
    At(Timestamp),
    /// Nothing waits, or what waits is under way.
    Nothing,
}

// === impl Queue ===

impl Queue {
    /// Adds one that is pending. One of a higher class than its subject's head makes the head due at once: it must
    /// not wait behind a retry that is hours away.
    pub fn push(&mut self, delivery: &Delivery) {
        let due = delivery.next_attempt.unwrap_or(delivery.since);
        let class = delivery.message.class;
        let subject = self.subjects.entry(delivery.message.subject.clone()).or_default();
        if let Some((_, head)) = subject.iter_mut().next().filter(|(order, _)| **order < delivery.order)
            && head.class < class
        {
            head.due = head.due.min(due);
        }
        let entry = Entry { id: delivery.id, class, due, since: delivery.since, in_flight: false };
        if subject.insert(delivery.order, entry).is_none() {
            self.len += 1;
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, delivery: &Delivery) {
        let Some(subject) = self.subjects.get_mut(&delivery.message.subject) else { return };
        if subject.remove(&delivery.order).is_some() {
            self.len -= 1;
        }
        if subject.is_empty() {
            self.subjects.remove(&delivery.message.subject);
        }
    }

    /// Which goes next.
    pub fn next(&self, now: Timestamp) -> Next {
        let heads = || self.subjects.values().filter_map(|subject| subject.iter().next());
        let idle = || heads().filter(|(_, head)| !head.in_flight);
        let ready = idle().filter(|(_, head)| head.due <= now);
        let first =
            ready.max_by(|(a_order, a), (b_order, b)| a.class.cmp(&b.class).then(b_order.cmp(a_order)));
        match first {
            Some((_, head)) => Next::Send(head.id),
            None => idle().map(|(_, head)| head.due).min().map_or(Next::Nothing, Next::At),
        }
    }

    /// Marks one as under way, or no longer.
    pub fn set_in_flight(&mut self, delivery: &Delivery, in_flight: bool) {
        if let Some(entry) = self.entry(delivery) {
            entry.in_flight = in_flight;
        }
    }

    /// Changes when one is due.
    pub fn postpone(&mut self, delivery: &Delivery, due: Timestamp) {
        if let Some(entry) = self.entry(delivery) {
            entry.due = due;
            entry.in_flight = false;
        }
    }

    /// Makes everything due: the receiver is back.
    pub fn wake(&mut self, now: Timestamp) {
        for entry in self.subjects.values_mut().flat_map(BTreeMap::values_mut) {
            entry.due = entry.due.min(now);
        }
    }

    /// The progress messages about `subject` that wait, oldest first, without one that is under way.
    pub fn waiting_progress(&self, subject: &str) -> Vec<Uuid> {
        let entries = self.subjects.get(subject).into_iter().flat_map(BTreeMap::values);
        entries
            .filter(|entry| entry.class == Class::Progress && !entry.in_flight)
            .map(|entry| entry.id)
            .collect()
    }

    /// The highest class among what came after the delivery about its subject, and the first of that class.
    pub fn behind(&self, delivery: &Delivery) -> Option<(Class, Uuid)> {
        let subject = self.subjects.get(&delivery.message.subject)?;
        let newer = subject.range(delivery.order.saturating_add(1)..).map(|(_, entry)| entry);
        newer.rev().max_by_key(|entry| entry.class).map(|entry| (entry.class, entry.id))
    }

    /// Everything that waits.
    pub fn ids(&self) -> Vec<Uuid> {
        self.subjects.values().flat_map(BTreeMap::values).map(|entry| entry.id).collect()
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Since when the oldest has waited.
    pub fn oldest(&self) -> Option<Timestamp> {
        self.subjects.values().flat_map(BTreeMap::values).map(|entry| entry.since).min()
    }

    fn entry(&mut self, delivery: &Delivery) -> Option<&mut Entry> {
        self.subjects.get_mut(&delivery.message.subject)?.get_mut(&delivery.order)
    }
}

#[cfg(test)]
mod tests;
