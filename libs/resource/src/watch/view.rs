//! What a Watch shows of an aggregate.

use std::borrow::Cow;

use bellwether_journal::EventRecord;
use bellwether_proto::common::v1::{Change, WatchCurrent, WatchHeartbeat, WatchReset};

use crate::{Aggregate, Entry, FilterField};

/// How a Watch shows the streams of an aggregate: as one resource each, or as several (the rollouts of a target).
pub trait View: Send + Sync + 'static {
    /// The aggregate that is shown.
    type Aggregate: Aggregate;
    /// The resource, as it travels.
    type Resource: Clone + Send + Sync + 'static;
    /// The message of the stream.
    type Message: prost::Message + 'static;

    /// The fields that may be filtered on: those that never change in a resource's life.
    const FIELDS: &'static [FilterField];

    /// Whether it shows every reader the same, so that what an event means is worked out once for all of them. A view
    /// that knows its reader says no.
    const SAME_FOR_ALL: bool = true;

    /// The resources of the snapshot that a stream's state holds; none when they are all deleted.
    fn resources(&self, entry: &Entry<Self::Aggregate>) -> Vec<Self::Resource>;

    /// What an event means for a resource of this view; none when nothing. `entry` is the state right after the event,
    /// or a later one when the reader is behind: the view finds its resource in either, and one that is not there any
    /// more it makes from the event.
    fn change(
        &self,
        record: &EventRecord,
        event: &<Self::Aggregate as Aggregate>::Event,
        entry: &Entry<Self::Aggregate>,
    ) -> Option<Changed<Self::Resource>>;

    /// The value of one of [`View::FIELDS`].
    fn value<'r>(resource: &'r Self::Resource, field: &str) -> Option<Cow<'r, str>>;

    /// The message for a part of the stream.
    fn message(part: Part<Self::Resource>) -> Self::Message;
}

/// What an event means for a resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed<R> {
    /// The fact's kind, UPPER_SNAKE.
    pub fact: String,
    /// The fact's data: a JSON object of at most 64 KiB.
    pub fact_json: String,
    /// The resource after it, or later.
    pub resource: R,
    /// Whether the fact is that the resource is gone.
    pub deleted: bool,
}

/// A part of the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Part<R> {
    /// One resource of the snapshot.
    Snapshot(R),
    /// The snapshot, or what had been missed, is complete.
    Current(WatchCurrent),
    /// A change.
    Changed(Change, R),
    /// A resource is gone.
    Deleted(Change, R),
    /// A sign of life.
    Heartbeat(WatchHeartbeat),
    /// A new snapshot follows.
    Reset(WatchReset),
}
