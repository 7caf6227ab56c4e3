//! ApplyTarget, DeleteTarget.

use super::{Decided, check};
use crate::{
    event::Event,
    input::Command,
    model::{Split, TargetSpec, TargetState},
    refusal::{FieldViolation, Refusal, Violation},
};

/// The instance count may change at any time, the rest between rollouts.
pub(super) fn apply(state: &TargetState, command: &Command, spec: &TargetSpec) -> Decided {
    let invalid = invalid(spec);
    if !invalid.is_empty() {
        return Err(Refusal::Invalid(invalid));
    }
    if state.spec.as_ref() == Some(spec) {
        return Ok(Vec::new());
    }
    if let (Some(before), Some(rollout)) = (&state.spec, state.begun()) {
        let only_count = TargetSpec { instances: before.instances, ..spec.clone() } == *before;
        let text = format!("rollout {} is under way: only the instance count may change", rollout.id());
        if !only_count {
            return Err(Refusal::precondition("STATE", &spec.name, text));
        }
    }
    Ok(vec![Event::Applied { spec: spec.clone(), by: command.by.clone() }])
}

fn invalid(spec: &TargetSpec) -> Vec<FieldViolation> {
    let mut all = Vec::new();
    if spec.name.is_empty() {
        all.push(FieldViolation::new("name", "is missing; allowed: <application>@<environment>"));
    }
    if spec.instances == 0 {
        all.push(FieldViolation::new("instances", "0 is given; allowed: 1 or more"));
    }
    if spec.platform.is_empty() {
        all.push(FieldViolation::new("platform", "is missing; allowed: the name of a configured platform"));
    }
    for (index, port) in spec.ports.iter().enumerate() {
        if spec.ports.iter().take(index).any(|it| it.name == port.name) {
            all.push(FieldViolation::new(
                format!("ports[{index}].name"),
                format!("{} is given twice", port.name),
            ));
        }
    }
    all
}

/// Traffic to none, all fleets removed.
pub(super) fn delete(state: &TargetState, command: &Command) -> Decided {
    let Some(spec) = &state.spec else { return Err(Refusal::NotFound { what: "target".into() }) };
    let open = state.queue.iter().map(|id| {
        Violation::new(
            "STATE",
            format!("rollouts/{id}"),
            format!("rollout {id} of {} has not ended", spec.name),
        )
    });
    check(open.collect())?;
    let revision = state.route_revision + 1;
    let unrouted = (state.split != Split::default()).then(|| Event::Routed {
        split: Split::default(),
        revision,
        reason: None,
    });
    let removed = state.fleets.keys().map(|fleet| Event::FleetRemoved { fleet: *fleet });
    let deleted = Event::Deleted { by: command.by.clone() };
    Ok(unrouted.into_iter().chain(removed).chain([deleted]).collect())
}
