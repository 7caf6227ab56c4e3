//! Counters as a Watch shows them.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicUsize, Ordering},
};

use bellwether_journal::EventRecord;
use bellwether_proto::common::v1::{Change, WatchCurrent, WatchHeartbeat, WatchReset};
use bellwether_resource::{
    Entry, FilterField, Store,
    watch::{Changed, Frames, Part, View},
};
use bytes::Bytes;
use futures::{
    StreamExt as _,
    stream::{BoxStream, select},
};
use prost::Message as _;
use tonic::Status;

use crate::counter::{Counted, Counter};

pub struct Shown;

#[derive(Clone, PartialEq, prost::Message)]
pub struct Resource {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(uint64, tag = "2")]
    pub version: u64,
    #[prost(int64, tag = "3")]
    pub sum: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Told {
    #[prost(message, optional, tag = "1")]
    pub change: Option<Change>,
    #[prost(message, optional, tag = "2")]
    pub resource: Option<Resource>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Watched {
    #[prost(oneof = "Which", tags = "1, 2, 3, 4, 5, 6")]
    pub which: Option<Which>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Which {
    #[prost(message, tag = "1")]
    Snapshot(Resource),
    #[prost(message, tag = "2")]
    Current(WatchCurrent),
    #[prost(message, tag = "3")]
    Changed(Told),
    #[prost(message, tag = "4")]
    Deleted(Told),
    #[prost(message, tag = "5")]
    Heartbeat(WatchHeartbeat),
    #[prost(message, tag = "6")]
    Reset(WatchReset),
}

impl View for Shown {
    type Aggregate = Counter;
    type Resource = Resource;
    type Message = Watched;

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

    fn message(part: Part<Resource>) -> Watched {
        let told = |change, resource| Told { change: Some(change), resource: Some(resource) };
        Watched {
            which: Some(match part {
                Part::Snapshot(resource) => Which::Snapshot(resource),
                Part::Current(current) => Which::Current(current),
                Part::Changed(change, resource) => Which::Changed(told(change, resource)),
                Part::Deleted(change, resource) => Which::Deleted(told(change, resource)),
                Part::Heartbeat(heartbeat) => Which::Heartbeat(heartbeat),
                Part::Reset(reset) => Which::Reset(reset),
            }),
        }
    }
}

fn resource(entry: &Entry<Counter>) -> Resource {
    Resource { name: entry.stream.to_string(), version: entry.version, sum: entry.state.sum }
}

/// How many there have been.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// What a client receives.
pub type Received = BoxStream<'static, Result<Part<Resource>, Status>>;

/// A stream that the server never ends by itself.
pub fn watch(store: &Store<Counter>, filter: &str, token: &str) -> Received {
    watch_until(store, filter, token, futures::future::pending())
}

/// One that ends with `ended`. Every second reader reads messages, as it would without a server that sends frames.
pub fn watch_until(
    store: &Store<Counter>,
    filter: &str,
    token: &str,
    ended: impl Future<Output = ()> + Send + 'static,
) -> Received {
    let response = store.watch(Shown, filter, token, ended).unwrap().respond();
    let frames = response.extensions().get::<Frames>().unwrap().clone();
    if READERS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
        return response.into_inner().map(|message| message.map(part)).boxed();
    }
    let frames = frames.take().unwrap();
    // whoever takes the frames is the only reader
    let nothing = response.into_inner().map(|message| panic!("{message:?}"));
    select(frames.map(|frame| frame.map(decode)), nothing).boxed()
}

/// The message of a frame.
pub fn decode(frame: Bytes) -> Part<Resource> {
    let (prefix, message) = frame.split_at(5);
    assert_eq!(prefix, [&[0], &u32::try_from(message.len()).unwrap().to_be_bytes()[..]].concat());
    part(Watched::decode(message).unwrap())
}

fn part(message: Watched) -> Part<Resource> {
    match message.which.unwrap() {
        Which::Snapshot(resource) => Part::Snapshot(resource),
        Which::Current(current) => Part::Current(current),
        Which::Changed(told) => Part::Changed(told.change.unwrap(), told.resource.unwrap()),
        Which::Deleted(told) => Part::Deleted(told.change.unwrap(), told.resource.unwrap()),
        Which::Heartbeat(heartbeat) => Part::Heartbeat(heartbeat),
        Which::Reset(reset) => Part::Reset(reset),
    }
}

pub async fn next(stream: &mut Received) -> Part<Resource> {
    outcome(stream).await.unwrap().unwrap()
}

pub async fn outcome(stream: &mut Received) -> Option<Result<Part<Resource>, Status>> {
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, stream.next()).await.expect("the stream has nothing to say")
}

/// Everything before `current`, and its token.
pub async fn until_current(stream: &mut Received) -> (Vec<Part<Resource>>, String) {
    let mut before = vec![];
    loop {
        match next(stream).await {
            Part::Current(current) => return (before, current.resume_token),
            part => before.push(part),
        }
    }
}
