//! What one client may push: so many streams at a time, so many bytes a second, so many names.
//!
//! Whoever pushes more than a second's share is not refused but read later: the transport's flow control holds him back, and what
//! he has not been read costs nothing here. A client is a principal: all that push with one token share its limits.

mod budget;
mod names;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::error::Problem;
use bellwether_server::Principal;

use crate::reasons::{TOO_MANY_SERIES, TOO_MANY_STREAMS};
use budget::Budget;
use names::Names;

/// Streams of one client at a time.
const MOST_STREAMS: usize = 1_024;

/// All clients.
#[derive(Clone, Debug, Default)]
pub struct Pushers(Arc<Mutex<HashMap<Principal, Client>>>);

#[derive(Debug)]
struct Client {
    streams: usize,
    budget: Budget,
    names: Names,
}

/// One stream; its room is free when it is dropped.
#[derive(Debug)]
pub struct Pushing {
    pushers: Pushers,
    client: Principal,
}

// === impl Pushers ===

impl Pushers {
    /// Room for another stream of this client.
    ///
    /// # Errors
    /// `TOO_MANY_STREAMS`.
    pub fn open(&self, client: &Principal, now: Timestamp) -> Result<Pushing, Problem> {
        let mut clients = self.lock();
        clients.retain(|_, client| client.streams > 0 || !client.names.is_forgotten(now));
        let known = clients.entry(client.clone()).or_insert_with(|| Client::new(now));
        if known.streams >= MOST_STREAMS {
            return Err(TOO_MANY_STREAMS
                .because(format!("{client} pushes on {MOST_STREAMS} streams already"))
                .with("most_streams", MOST_STREAMS));
        }
        known.streams += 1;
        Ok(Pushing { pushers: self.clone(), client: client.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Principal, Client>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Pushing ===

impl Pushing {
    /// A message of so many bytes was read.
    pub fn spend(&self, bytes: usize, now: Timestamp) {
        self.of(|client| client.budget.spend(bytes, now));
    }

    /// How long the client is not to be read for. None: it may go on.
    pub fn pause(&self, now: Timestamp) -> Option<Duration> {
        self.of(|client| client.budget.pause(now)).flatten()
    }

    /// Remembers who is told of in a batch.
    ///
    /// # Errors
    /// `TOO_MANY_SERIES`; then nothing of the batch is remembered.
    pub fn names(&self, batch: &pb::SampleBatch, now: Timestamp) -> Result<(), Problem> {
        let known = self.of(|client| client.names.learn(batch, now)).unwrap_or(true);
        if known {
            return Ok(());
        }
        let most = names::MOST;
        let message = format!(
            "{} has told of {most} instances, and tells of more: an instance is its target, fleet, id and source",
            self.client
        );
        Err(TOO_MANY_SERIES.because(message).with("most_series", most))
    }

    fn of<T>(&self, act: impl FnOnce(&mut Client) -> T) -> Option<T> {
        self.pushers.lock().get_mut(&self.client).map(act)
    }
}

impl Drop for Pushing {
    fn drop(&mut self) {
        self.of(|client| client.streams = client.streams.saturating_sub(1));
    }
}

// === impl Client ===

impl Client {
    fn new(now: Timestamp) -> Self {
        Self { streams: 0, budget: Budget::new(now), names: Names::new(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_room_for_so_many_streams_and_takes_none_of_others() {
        let (pushers, now) = (Pushers::default(), Timestamp::UNIX_EPOCH);
        let (local, other) = (Principal::local(), "agent/a".parse().unwrap());
        let mut open: Vec<Pushing> = (0..MOST_STREAMS).map(|_| pushers.open(&local, now).unwrap()).collect();
        assert_eq!(pushers.open(&local, now).unwrap_err().reason, TOO_MANY_STREAMS);
        assert!(pushers.open(&other, now).is_ok());
        open.pop();
        assert!(pushers.open(&local, now).is_ok());
    }

    #[test]
    fn a_client_that_is_gone_is_forgotten_with_its_names() {
        let (pushers, now) = (Pushers::default(), Timestamp::UNIX_EPOCH);
        drop(pushers.open(&Principal::local(), now).unwrap());
        let later = now + Duration::from_secs(7_200);
        let _other = pushers.open(&"agent/a".parse().unwrap(), later).unwrap();
        assert_eq!(pushers.lock().len(), 1);
    }
}
