//! The shape that every Watch of Bellwether has.

use bellwether_proto::common::v1::{Change, WatchCurrent, WatchHeartbeat, WatchReset};

/// One message of a Watch, whatever the service.
#[derive(Clone, Debug, PartialEq)]
pub enum WatchStep<R> {
    /// One resource of the snapshot.
    Snapshot(R),
    /// The snapshot, or what had been missed, is complete.
    Current(WatchCurrent),
    /// A fact, with the resource after it.
    Changed(Change, R),
    /// The resource is gone; its last state.
    Deleted(Change, R),
    /// Nothing has happened.
    Heartbeat(WatchHeartbeat),
    /// The token could not be resumed from; a snapshot follows.
    Reset(WatchReset),
}

/// The response message of a Watch.
pub trait WatchMessage: Send + 'static {
    /// What is watched.
    type Resource: WatchResource;

    /// Its content; none: nothing that this version knows.
    fn into_step(self) -> Option<WatchStep<Self::Resource>>;
}

/// A resource that can be watched.
pub trait WatchResource: Send + 'static {
    /// Its name, e.g. `targets/shop@production`.
    fn name(&self) -> &str;

    /// Its version; grows by each of its events.
    fn version(&self) -> i64;
}
