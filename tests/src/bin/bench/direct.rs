//! Targets and rollouts asked for at the executor itself, with policies as short as a benchmark wants them.

use std::time::Duration;

use anyhow::Context as _;
use bellwether_client::{Watch, WatchEvent};
use bellwether_proto::executor::v1::{
    ApplyTargetRequest, Bake, FleetSpec, Rollout, RolloutPolicy, StartRolloutRequest, Strategy, Target,
    WatchRolloutsRequest, rollout::State, strategy::Kind,
};
use bellwether_tests::{
    shop::{is_over, millis},
    stack::Stack,
};

/// Nothing that is measured takes longer.
const PATIENCE: Duration = Duration::from_secs(180);

/// Creates or changes a target.
///
/// # Errors
/// What the executor says.
pub async fn apply(stack: &Stack, target: Target) -> anyhow::Result<Target> {
    let request = ApplyTargetRequest { target: Some(target), ..Default::default() };
    let applied = stack.executor().apply_target(request).await?.into_inner().target;
    applied.context("an answer without a target")
}

/// Starts a rollout.
///
/// # Errors
/// What the executor says.
pub async fn start(stack: &Stack, request: StartRolloutRequest) -> anyhow::Result<Rollout> {
    let started = stack.executor().start_rollout(request).await?.into_inner().rollout;
    started.context("an answer without a rollout")
}

/// A rollout of this version.
pub fn rollout(target: &str, version: &str, strategy: Strategy) -> StartRolloutRequest {
    let policy = RolloutPolicy {
        drain: millis(1_000),
        keep: millis(0),
        recovery_max: millis(2_000),
        ..Default::default()
    };
    StartRolloutRequest {
        target: target.to_owned(),
        spec: Some(FleetSpec {
            version: version.to_owned(),
            command: vec!["app".to_owned()],
            ..Default::default()
        }),
        strategy: Some(strategy),
        policy: Some(policy),
        ..Default::default()
    }
}

/// All traffic as soon as it is ready.
pub fn at_once() -> Strategy {
    Strategy { kind: Kind::Direct.into(), final_bake: bake(0, true), ..Default::default() }
}

/// A bake of at least this many milliseconds.
pub fn bake(min: i64, no_checks: bool) -> Option<Bake> {
    Some(Bake { min: millis(min), max: millis(120_000), no_checks })
}

/// The id of the fleet that a rollout brings in.
pub fn fleet(rollout: &Rollout) -> String {
    rollout.name.trim_start_matches("rollouts/").to_owned()
}

/// Follows the rollouts of `filter` until `enough` says so of one of them.
///
/// # Errors
/// When that is not within three minutes.
pub async fn follow(
    stack: &Stack,
    filter: &str,
    mut enough: impl FnMut(&Rollout) -> bool,
) -> anyhow::Result<Rollout> {
    let mut watch = rollouts(stack, filter);
    let mut last = None;
    let following = async {
        loop {
            if let WatchEvent::Snapshot(rollout) | WatchEvent::Changed { resource: rollout, .. } =
                watch.next().await?
            {
                if enough(&rollout) {
                    return anyhow::Ok(rollout);
                }
                last = Some(rollout);
            }
        }
    };
    match tokio::time::timeout(PATIENCE, following).await {
        Ok(found) => found,
        Err(_) => anyhow::bail!("not within {PATIENCE:?}; last seen: {last:#?}"),
    }
}

/// Follows a rollout to its end, which is to be this one.
///
/// # Errors
/// When it ends otherwise, or not at all.
pub async fn ends(stack: &Stack, rollout: &Rollout, how: State) -> anyhow::Result<Rollout> {
    let filter = format!("name = \"{}\"", rollout.name);
    let ended = follow(stack, &filter, |rollout| is_over(rollout.state())).await?;
    anyhow::ensure!(ended.state() == how, "wanted {how:?}, and it is {ended:#?}");
    Ok(ended)
}

/// A Watch of rollouts.
pub fn rollouts(stack: &Stack, filter: &str) -> Watch<Rollout> {
    let (client, filter) = (stack.executor(), filter.to_owned());
    Watch::new(stack.env(), move |resume_token| {
        let (mut client, filter) = (client.clone(), filter.clone());
        async move { client.watch_rollouts(WatchRolloutsRequest { filter, resume_token }).await }
    })
}
