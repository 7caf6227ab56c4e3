//! Deliveries as WatchDeliveries shows them.

use std::borrow::Cow;

use bellwether_journal::EventRecord;
use bellwether_proto::notifier::v1 as pb;
use bellwether_resource::{
    Entry, FilterField,
    watch::{Changed, Part, View},
};
use serde_json::json;

use crate::{
    convert,
    outbox::{Deliveries, Delivery, Event},
};

/// One resource for each stream.
pub(super) struct DeliveryView;

// === impl DeliveryView ===

impl View for DeliveryView {
    type Aggregate = Deliveries;
    type Resource = Delivery;
    type Message = pb::WatchDeliveriesResponse;

    const FIELDS: &'static [FilterField] = &[
        FilterField("receiver"),
        FilterField("subject"),
        FilterField("name"),
        FilterField("team"),
        FilterField::LABELS,
    ];

    fn resources(&self, entry: &Entry<Deliveries>) -> Vec<Delivery> {
        entry.state.iter().cloned().collect()
    }

    fn change(
        &self,
        record: &EventRecord,
        event: &Event,
        entry: &Entry<Deliveries>,
    ) -> Option<Changed<Delivery>> {
        let resource = match (event, &entry.state) {
            (_, Some(delivery)) => delivery.clone(),
            (Event::Queued { delivery } | Event::Removed { delivery }, None) => delivery.as_ref().clone(),
            // the reader is behind: that it is gone is what he will be told
            (_, None) => return None,
        };
        Some(Changed {
            fact: record.kind.to_string(),
            fact_json: fact(event),
            deleted: matches!(event, Event::Removed { .. }),
            resource,
        })
    }

    fn value<'r>(resource: &'r Delivery, name: &str) -> Option<Cow<'r, str>> {
        field(resource, name)
    }

    fn message(part: Part<Delivery>) -> pb::WatchDeliveriesResponse {
        use pb::watch_deliveries_response::Message;
        let change = |change, delivery: &Delivery| pb::DeliveryChange {
            change: Some(change),
            delivery: Some(convert::delivery(delivery)),
        };
        let message = match part {
            Part::Snapshot(delivery) => Message::Snapshot(convert::delivery(&delivery)),
            Part::Current(current) => Message::Current(current),
            Part::Changed(fact, delivery) => Message::Changed(change(fact, &delivery)),
            Part::Deleted(fact, delivery) => Message::Deleted(change(fact, &delivery)),
            Part::Heartbeat(heartbeat) => Message::Heartbeat(heartbeat),
            Part::Reset(reset) => Message::Reset(reset),
        };
        pb::WatchDeliveriesResponse { message: Some(message) }
    }
}

/// What may be filtered on and never changes.
pub(super) fn field<'d>(delivery: &'d Delivery, name: &str) -> Option<Cow<'d, str>> {
    match name {
        "receiver" => Some(delivery.receiver.as_str().into()),
        "subject" => Some(delivery.message.subject.as_str().into()),
        "name" => Some(delivery.name().into()),
        "team" => Some(delivery.message.team.as_str().into()),
        _ => {
            let label = delivery.message.labels.get(name.strip_prefix("labels.")?)?;
            Some(label.as_str().into())
        }
    }
}

/// The fact's data. That of a queued one is the delivery itself, which comes with it.
fn fact(event: &Event) -> String {
    let data = match event {
        Event::Queued { .. } | Event::Removed { .. } => json!({}),
        Event::AttemptFailed { .. }
        | Event::Delivered { .. }
        | Event::Coalesced { .. }
        | Event::Dead { .. }
        | Event::Replayed { .. } => serde_json::to_value(event).unwrap_or_default(),
    };
    data.to_string()
}
