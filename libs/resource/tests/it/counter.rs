//! A small kind of resource to test with: counters that are counted up and closed.

use std::sync::Arc;

use bellwether_clock::Env;
use bellwether_journal::{Journal, MemoryJournal, MemoryStore, Options};
use bellwether_resource::{Aggregate, Decision, Entry, Meta, Store};
use serde::{Deserialize, Serialize};

pub struct Counter;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Count {
    pub sum: i64,
    pub closed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Counted {
    Added(i64),
    Closed,
}

#[derive(Debug, thiserror::Error)]
#[error("the counter is closed")]
pub struct AlreadyClosed;

impl Aggregate for Counter {
    type State = Count;
    type Event = Counted;
    type Illegal = AlreadyClosed;

    const PREFIX: &'static str = "counters/";

    fn evolve(state: Count, event: &Counted, _: &Meta) -> Result<Count, AlreadyClosed> {
        match event {
            _ if state.closed => Err(AlreadyClosed),
            Counted::Added(number) => Ok(Count { sum: state.sum + number, ..state }),
            Counted::Closed => Ok(Count { closed: true, ..state }),
        }
    }

    fn kind(event: &Counted) -> &'static str {
        match event {
            Counted::Added(_) => "Added",
            Counted::Closed => "Closed",
        }
    }

    fn ended(state: &Count) -> bool {
        state.closed
    }
}

pub fn memory() -> MemoryStore {
    MemoryStore::new(&Env::system())
}

pub async fn load(store: &MemoryStore) -> Store<Counter> {
    let journal: Arc<dyn Journal> = Arc::new(MemoryJournal::open(store, Options::new(Env::system())));
    Store::load(journal, Env::system()).await.unwrap()
}

pub fn add(number: i64) -> Decision<Counter, String> {
    Decision::new(vec![Counted::Added(number)]).answer(|entry: &Entry<Counter>| entry.state.sum.to_string())
}
