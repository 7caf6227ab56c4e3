//! Our types as the contract shows them.

use bellwether_proto::{common::v1 as common, notifier::v1 as pb};
use bellwether_resource::time::to_timestamp;

use crate::{
    message::{self, Class, Message, Reason},
    outbox::{Applied, Attempt, Delivery, ReceiverState, State},
    routing::Hit,
    send::Held,
};

/// A delivery.
pub(crate) fn delivery(delivery: &Delivery) -> pb::Delivery {
    let metadata = common::Metadata {
        team: delivery.message.team.clone(),
        labels: Default::default(),
        etag: delivery.etag(),
        version: count(delivery.version),
        create_time: Some(to_timestamp(delivery.created)),
        update_time: Some(to_timestamp(delivery.updated)),
    };
    pb::Delivery {
        name: delivery.name(),
        metadata: Some(metadata),
        receiver: delivery.receiver.clone(),
        message_id: delivery.message_id(),
        state: state(delivery.state).into(),
        reason: delivery.reason.as_ref().map(reason),
        message: Some(message(&delivery.message)),
        attempt_count: i32::try_from(delivery.attempt_count).unwrap_or(i32::MAX),
        attempts: delivery.attempts.iter().map(attempt).collect(),
        next_attempt_time: delivery.next_attempt.map(to_timestamp),
    }
}

fn message(message: &Message) -> pb::Message {
    pb::Message {
        event_id: message.event_id.to_string(),
        title: message.title.clone(),
        text: message.text.clone(),
        labels: message.labels.clone().into_iter().collect(),
        message_class: class(message.class).into(),
        subject: message.subject.clone(),
        time: Some(to_timestamp(message.time)),
        event_type: message::event_type(message),
    }
}

fn attempt(attempt: &Attempt) -> pb::Attempt {
    pb::Attempt {
        time: Some(to_timestamp(attempt.time)),
        latency_ms: count(attempt.latency_ms),
        http_status: attempt.status.map_or(0, i32::from),
        reason: attempt.failure.as_ref().map(reason),
    }
}

/// A routing; the team and labels are as they were given.
pub(crate) fn routing(applied: &Applied) -> pb::Routing {
    let source = &applied.routing.source;
    let given = source.metadata.clone().unwrap_or_default();
    let metadata = common::Metadata {
        team: given.team,
        labels: given.labels,
        etag: applied.etag.clone(),
        version: count(applied.version),
        create_time: applied.created.map(to_timestamp),
        update_time: applied.updated.map(to_timestamp),
    };
    pb::Routing { metadata: Some(metadata), ..source.clone() }
}

/// How a receiver is doing.
pub(crate) fn receiver(receiver: &ReceiverState, held: Option<&Held>) -> pb::ReceiverStatus {
    let (state, why) = match (&receiver.disabled, held) {
        (Some(disabled), _) => (pb::receiver_status::State::Disabled, Some(disabled)),
        (None, Some(held)) => (pb::receiver_status::State::Waiting, Some(&held.reason)),
        (None, None) => (pb::receiver_status::State::Active, None),
    };
    let held = held.filter(|_| receiver.disabled.is_none());
    pb::ReceiverStatus {
        receiver: receiver.receiver.clone(),
        state: state.into(),
        reason: why.map(reason),
        pending: i64::try_from(receiver.pending).unwrap_or(i64::MAX),
        dead: i64::try_from(receiver.dead).unwrap_or(i64::MAX),
        oldest_pending_time: receiver.oldest_pending.map(to_timestamp),
        next_attempt_time: held.map(|held| to_timestamp(held.until)),
    }
}

/// A way through the tree.
pub(crate) fn hit(hit: Hit) -> pb::preview_routing_response::Match {
    let path = hit.path.into_iter().map(|index| i32::try_from(index).unwrap_or(i32::MAX)).collect();
    pb::preview_routing_response::Match { receiver: hit.receiver, path }
}

fn reason(reason: &Reason) -> common::Reason {
    common::Reason {
        code: reason.code.clone(),
        text: reason.text.clone(),
        values: reason.values.clone().into_iter().collect(),
    }
}

fn state(state: State) -> pb::delivery::State {
    match state {
        State::Pending => pb::delivery::State::Pending,
        State::Delivered => pb::delivery::State::Delivered,
        State::Coalesced => pb::delivery::State::Coalesced,
        State::Dead => pb::delivery::State::Dead,
    }
}

fn class(class: Class) -> pb::MessageClass {
    match class {
        Class::Progress => pb::MessageClass::Progress,
        Class::Terminal => pb::MessageClass::Terminal,
        Class::Approval => pb::MessageClass::Approval,
        Class::Page => pb::MessageClass::Page,
    }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
