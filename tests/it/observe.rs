//! What tests look at.

use std::collections::BTreeSet;

use bellwether_client::Transport;
use bellwether_proto::executor::v1::{
    GetTargetRequest, Instance, Rollout, Target, executor_service_client::ExecutorServiceClient,
};
use bellwether_tests::stack::Stack;

/// The shop's target.
pub async fn target(stack: &Stack) -> Target {
    target_of(stack.executor()).await
}

/// The shop's target as this executor has it.
pub async fn target_of(mut executor: ExecutorServiceClient<Transport>) -> Target {
    let request = GetTargetRequest { name: "targets/shop@test".to_owned() };
    executor.get_target(request).await.unwrap().into_inner().target.unwrap()
}

/// The ids of a fleet's instances.
pub fn ids(instances: &[Instance], fleet: &str) -> BTreeSet<String> {
    instances.iter().filter(|it| it.fleet == fleet && !it.draining).map(|it| it.id.clone()).collect()
}

/// The ids of the instances that serve.
pub fn stable_ids(target: &Target) -> BTreeSet<String> {
    ids(&target.instance_states, &stable_of(target))
}

/// The fleet that serves.
pub fn stable_of(target: &Target) -> String {
    target.stable.as_ref().unwrap().id.clone()
}

/// The fleet that a rollout brings in.
pub fn fleet_of(rollout: &Rollout) -> String {
    rollout.name.trim_start_matches("rollouts/").to_owned()
}

/// The kind of the step at work and the candidate's share, as read back from the router.
pub fn at(rollout: &Rollout) -> (&str, f64) {
    let step = usize::try_from(rollout.step_index).ok().and_then(|index| rollout.steps.get(index));
    let fleet = fleet_of(rollout);
    let share =
        rollout.split_observed.iter().find(|share| share.fleet == fleet).map_or(0.0, |share| share.percent);
    (step.map_or("", |step| &step.kind), share)
}
