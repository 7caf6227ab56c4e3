//! What can be done with the rollouts of releases: as the executor says, so that nothing is offered that it refuses.

use std::collections::BTreeSet;

use bellwether_plan::{ApplicationId, EnvironmentId, ReleaseEvent, ReleaseId, Stage, Steering};
use bellwether_proto::executor::v1::{Rollout, Target};

use crate::book::Book;

/// What can be done with a rollout now, when that has changed.
pub(super) fn steered(environment: &EnvironmentId, stage: &Stage, rollout: &Rollout) -> Option<ReleaseEvent> {
    let allows: BTreeSet<_> = rollout
        .allowed_actions
        .iter()
        .filter_map(|action| match action.method.rsplit_once('/')?.1 {
            "PauseRollout" if unpaused(rollout) => Some(Steering::Pause),
            "ResumeRollout" => Some(Steering::Resume),
            "AbortRollout" => Some(Steering::Abort),
            "RollbackRollout" => Some(Steering::RollBack),
            _ => None,
        })
        .collect();
    let environment = environment.clone();
    (allows != stage.allows).then_some(ReleaseEvent::SteeringChanged { environment, allows })
}

/// Whether a pause would hold anything that is not held: nothing goes forward while it is being taken back.
fn unpaused(rollout: &Rollout) -> bool {
    let offered = |method: &str| rollout.allowed_actions.iter().any(|action| action.method.ends_with(method));
    !offered("/ResumeRollout") && offered("/AbortRollout")
}

/// Whether a target takes rollouts, for every release that has one there, when that has changed.
pub(super) fn closed(
    book: &Book,
    target: &Target,
    application: &ApplicationId,
    environment: &EnvironmentId,
) -> Vec<(ReleaseId, Vec<ReleaseEvent>)> {
    let because = match &target.needs_operator {
        _ if target.taken_over => "a person has taken the target over",
        Some(reason) => &reason.text,
        None => "",
    };
    let changed = book.stages(application, environment).filter(|(_, stage)| {
        stage.rollout.is_some()
            && stage.target_closed != because
            && (stage.live_since.is_some() || because.is_empty())
    });
    changed
        .map(|(release, _)| {
            let (environment, because) = (environment.clone(), because.to_owned());
            (release.id.clone(), vec![ReleaseEvent::TargetClosed { environment, because }])
        })
        .collect()
}
