//! What a reader sends next, as a message or as a frame.

use std::sync::Arc;

use bellwether_journal::EventRecord;
use bellwether_proto::common::v1::Change;
use bytes::Bytes;

use super::{
    Changed, Part, View,
    frame::encode,
    resume::Origin,
    told::{Fact, ShownIn},
};
use crate::time::to_timestamp;

/// What is sent next.
pub(super) enum Out<V: View> {
    /// For this reader alone.
    Own(V::Message),
    /// What others are told as well.
    Told(Arc<Fact<V::Aggregate>>, Arc<ShownIn<V>>),
}

/// The message that tells readers of `origin` what this event has changed.
pub(super) fn message<V: View>(
    record: &EventRecord,
    changed: &Changed<V::Resource>,
    origin: Origin,
) -> V::Message {
    let change = Change {
        fact: changed.fact.clone(),
        fact_json: changed.fact_json.clone(),
        version: i64::try_from(record.version).unwrap_or(i64::MAX),
        sequence: i64::try_from(record.position).unwrap_or(i64::MAX),
        resume_token: origin.token(record.position),
        time: Some(to_timestamp(record.time)),
    };
    let part = if changed.deleted { Part::Deleted } else { Part::Changed };
    V::message(part(change, changed.resource.clone()))
}

// === impl Out ===

impl<V: View> Out<V> {
    pub(super) fn message(self, origin: Origin) -> V::Message {
        match self {
            Self::Own(message) => message,
            Self::Told(fact, shown) => message::<V>(&fact.record, &shown.changed, origin),
        }
    }

    pub(super) fn frame(self, origin: Origin) -> Bytes {
        let shared = match &self {
            Self::Own(_) => None,
            Self::Told(fact, shown) => shown.frame(&fact.record, origin),
        };
        shared.unwrap_or_else(|| encode(&self.message(origin)))
    }
}
