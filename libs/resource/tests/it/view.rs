//! Counters as a Watch shows them.

use std::borrow::Cow;

use bellwether_journal::EventRecord;
use bellwether_resource::{
    Entry, FilterField, Store,
    watch::{Changed, Part, View, WatchStream},
};
use futures::StreamExt as _;
use tonic::Status;

use crate::counter::{Counted, Counter};

pub struct Shown;

#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    pub name: String,
    pub version: u64,
    pub sum: i64,
}

impl View for Shown {
    type Aggregate = Counter;
    type Resource = Resource;
    type Message = Part<Resource>;

    const FIELDS: &'static [FilterField] = &[FilterField("name")];

    fn resources(&self, entry: &Entry<Counter>) -> Vec<Resource> {
        if entry.state.closed { vec![] } else { vec![resource(entry)] }
    }

    fn change(&self, _: &EventRecord, event: &Counted, entry: &Entry<Counter>) -> Option<Changed<Resource>> {
        let (fact, deleted) = match event {
            Counted::Added(_) => ("ADDED", false),
            Counted::Closed => ("CLOSED", true),
        };
        let fact_json = serde_json::to_string(event).unwrap();
        Some(Changed { fact: fact.to_owned(), fact_json, resource: resource(entry), deleted })
    }

    fn value<'r>(resource: &'r Resource, field: &str) -> Option<Cow<'r, str>> {
        (field == "name").then(|| resource.name.as_str().into())
    }

    fn message(part: Part<Resource>) -> Part<Resource> {
        part
    }
}

fn resource(entry: &Entry<Counter>) -> Resource {
    Resource { name: entry.stream.to_string(), version: entry.version, sum: entry.state.sum }
}

/// A stream that the server never ends by itself.
pub fn watch(store: &Store<Counter>, filter: &str, token: &str) -> WatchStream<Part<Resource>> {
    store.watch(Shown, filter, token, futures::future::pending()).unwrap()
}

pub async fn next(stream: &mut WatchStream<Part<Resource>>) -> Part<Resource> {
    outcome(stream).await.unwrap().unwrap()
}

pub async fn outcome(stream: &mut WatchStream<Part<Resource>>) -> Option<Result<Part<Resource>, Status>> {
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, stream.next()).await.expect("the stream has nothing to say")
}

/// Everything before `current`, and its token.
pub async fn until_current(stream: &mut WatchStream<Part<Resource>>) -> (Vec<Part<Resource>>, String) {
    let mut before = vec![];
    loop {
        match next(stream).await {
            Part::Current(current) => return (before, current.resume_token),
            part => before.push(part),
        }
    }
}
