//! Targets and rollouts as their Watches show them.

use std::borrow::Cow;

use bellwether_journal::EventRecord;
use bellwether_proto::executor::v1 as pb;
use bellwether_resource::{
    Aggregate as _, FilterField,
    watch::{Changed, Part, View},
};
use bellwether_rollout::Event;

use super::able;
use crate::{
    convert::{self, request},
    drivers::Drivers,
    record::Fact,
    targets::{TargetEntry, Targets},
};

/// The longest JSON of a fact.
const FACT_JSON: usize = 64 * 1024;

/// One resource for each target.
pub(super) struct TargetView {
    drivers: Drivers,
}

/// The rollouts of each target that it still knows.
pub(super) struct RolloutView;

// === impl TargetView ===

impl TargetView {
    /// Targets show what these can do.
    pub(super) fn new(drivers: Drivers) -> Self {
        Self { drivers }
    }

    fn shown(&self, entry: &TargetEntry) -> pb::Target {
        able::known(&self.drivers, convert::target(entry))
    }
}

impl View for TargetView {
    type Aggregate = Targets;
    type Resource = pb::Target;
    type Message = pb::WatchTargetsResponse;

    const FIELDS: &'static [FilterField] = request::OF_TARGETS;

    fn resources(&self, entry: &TargetEntry) -> Vec<pb::Target> {
        let exists = entry.state.core.spec.is_some();
        exists.then(|| self.shown(entry)).into_iter().collect()
    }

    fn change(&self, _: &EventRecord, fact: &Fact, entry: &TargetEntry) -> Option<Changed<pb::Target>> {
        let deleted = matches!(fact.event, Event::Deleted { .. });
        Some(changed(fact, fact.note.trace.as_deref(), self.shown(entry), deleted))
    }

    fn value<'r>(target: &'r pb::Target, field: &str) -> Option<Cow<'r, str>> {
        request::target_value(target, field)
    }

    fn message(part: Part<pb::Target>) -> pb::WatchTargetsResponse {
        use pb::watch_targets_response::Message;
        let message = match part {
            Part::Snapshot(target) => Message::Snapshot(target),
            Part::Current(current) => Message::Current(current),
            Part::Changed(change, target) => {
                Message::Changed(pb::TargetChange { change: Some(change), target: Some(target) })
            }
            Part::Deleted(change, target) => {
                Message::Deleted(pb::TargetChange { change: Some(change), target: Some(target) })
            }
            Part::Heartbeat(heartbeat) => Message::Heartbeat(heartbeat),
            Part::Reset(reset) => Message::Reset(reset),
        };
        pb::WatchTargetsResponse { message: Some(message) }
    }
}

// === impl RolloutView ===

impl View for RolloutView {
    type Aggregate = Targets;
    type Resource = pb::Rollout;
    type Message = pb::WatchRolloutsResponse;

    const FIELDS: &'static [FilterField] = request::OF_ROLLOUTS;

    fn resources(&self, entry: &TargetEntry) -> Vec<pb::Rollout> {
        entry.state.core.rollouts.values().map(|rollout| convert::rollout(entry, rollout)).collect()
    }

    /// A fact about a rollout is that rollout's; one about the target is also the active rollout's.
    fn change(&self, _: &EventRecord, fact: &Fact, entry: &TargetEntry) -> Option<Changed<pb::Rollout>> {
        let id = fact.event.rollout().or_else(|| entry.state.core.queue.first().copied())?;
        let rollout = Targets::rollout(entry, id)?;
        let own = entry.state.rollout(id).and_then(|it| it.trace.as_deref());
        let trace = fact.note.trace.as_deref().or(own);
        Some(changed(fact, trace, convert::rollout(entry, rollout), false))
    }

    fn value<'r>(rollout: &'r pb::Rollout, field: &str) -> Option<Cow<'r, str>> {
        request::rollout_value(rollout, field)
    }

    fn message(part: Part<pb::Rollout>) -> pb::WatchRolloutsResponse {
        use pb::watch_rollouts_response::Message;
        let message = match part {
            Part::Snapshot(rollout) => Message::Snapshot(rollout),
            Part::Current(current) => Message::Current(current),
            Part::Changed(change, rollout) => {
                Message::Changed(pb::RolloutChange { change: Some(change), rollout: Some(rollout) })
            }
            Part::Deleted(change, rollout) => {
                Message::Deleted(pb::RolloutChange { change: Some(change), rollout: Some(rollout) })
            }
            Part::Heartbeat(heartbeat) => Message::Heartbeat(heartbeat),
            Part::Reset(reset) => Message::Reset(reset),
        };
        pb::WatchRolloutsResponse { message: Some(message) }
    }
}

/// A fact with its data and the trace that it belongs to; data that is too long for a Watch is left out and can be read
/// from the resource.
fn changed<R>(fact: &Fact, trace: Option<&str>, resource: R, deleted: bool) -> Changed<R> {
    let mut data = serde_json::to_value(fact).unwrap_or_default();
    if let (Some(fields), Some(trace)) = (data.as_object_mut(), trace) {
        fields.insert("trace".to_owned(), trace.into());
    }
    let json = Some(data.to_string()).filter(|json| json.len() <= FACT_JSON);
    let fact_json = json.unwrap_or_else(|| match trace {
        Some(trace) => serde_json::json!({ "trace": trace }).to_string(),
        None => "{}".to_owned(),
    });
    Changed { fact: Targets::kind(fact).to_owned(), fact_json, resource, deleted }
}
