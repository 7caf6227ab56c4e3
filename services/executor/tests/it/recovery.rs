//! What is looked at after a rollback, and that nothing blocks its end.

use std::collections::BTreeMap;

use bellwether_proto::{
    executor::v1 as pb,
    monitor::v1::{CheckResult, Decision, Level},
};
use pb::{rollout::State, validation_item::Result as Found};

use super::{
    house::{House, SHOP, World, canary, fleet, span},
    script::Script,
    wait::reason,
};

/// A canary whose recovery may take its time.
fn patient() -> pb::StartRolloutRequest {
    let mut request = canary("2");
    request.policy.as_mut().unwrap().recovery_max = Some(span(60_000));
    request
}

fn probed(program: &str) -> pb::StartRolloutRequest {
    let command = pb::Command { name: program.into(), args: Vec::new() };
    let call = Some(pb::hook::Call::Command(command));
    let hook = pb::Hook { id: "intact".into(), call, ..pb::Hook::default() };
    let mut request = patient();
    request.policy.as_mut().unwrap().data_integrity = Some(hook);
    request
}

/// Failed at its first bake.
async fn failed(house: &mut House, request: pb::StartRolloutRequest) -> pb::Rollout {
    let rollout = house.rollout(request).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Fail);
    rollout
}

fn found(rollout: &pb::Rollout) -> BTreeMap<&str, Found> {
    rollout.validation.iter().map(|it| (it.id.as_str(), it.result())).collect()
}

fn check(id: &str, unit: &str, decision: Decision) -> CheckResult {
    CheckResult {
        id: id.into(),
        unit: unit.into(),
        decision: decision.into(),
        level: if decision == Decision::Fail { Level::Fail } else { Level::Ok }.into(),
        candidate: Some(0.25),
        threshold: Some(5.0),
        ..CheckResult::default()
    }
}

#[tokio::test]
async fn the_monitor_looks_at_stable_alone_and_its_checks_are_the_items() {
    let mut house = House::silent().await;
    house.world.script.recovery(None);
    let before = house.stable(2).await;
    let rollout = failed(&mut house, patient()).await;
    let recovery = format!("{}.recovery.1", rollout.name.replace("rollouts/", "analyses/"));
    let asked = house.world.script.asked(&recovery, 1).await;
    assert_eq!(asked.candidate_fleet, fleet(&before).to_string());
    assert_eq!((asked.baseline_fleet.as_str(), asked.one_sided_planned), ("", true));
    let checks =
        vec![check("errors-alone", "percent", Decision::Pass), check("latency", "ms", Decision::Undecided)];
    house.world.script.say_of_stable(&recovery, Decision::Undecided, checks.clone()).await;
    let open = house
        .until(&rollout.name, |it| {
            it.validation.iter().any(|it| !it.value.is_empty() && it.id == "ERROR_RATES")
        })
        .await;
    assert_eq!(open.state(), State::Recovering);
    house.world.script.say_of_stable(&recovery, Decision::Pass, checks).await;
    let ended = house.ended(&rollout.name).await;
    assert_eq!(ended.state(), State::RolledBack);
    let expected = [
        ("HEALTH", Found::Pass),
        ("PERFORMANCE", Found::Undecided),
        ("ERROR_RATES", Found::Pass),
        ("USER_JOURNEYS", Found::NotChecked),
        ("BUSINESS_METRICS", Found::NotChecked),
        ("DATA_INTEGRITY", Found::NotChecked),
    ];
    assert_eq!(found(&ended), expected.into());
    let errors = ended.validation.iter().find(|it| it.id == "ERROR_RATES").unwrap();
    assert_eq!(
        (errors.value.as_str(), errors.baseline.as_str()),
        ("0.2500 percent", "at most 5.0000 percent")
    );
    assert!(errors.time.is_some());
    house.until(&rollout.name, |_| true).await;
    assert!(house.world.script.stopped_once(&recovery).await);
}

#[tokio::test]
async fn an_item_that_fails_asks_with_traffic_on_stable() {
    let mut house = House::silent().await;
    house.world.script.recovery(Some(Decision::Fail));
    let before = house.stable(2).await;
    let rollout = failed(&mut house, patient()).await;
    let stuck = house.in_state(&rollout.name, State::NeedsOperator).await;
    assert_eq!((reason(&stuck), found(&stuck)["ERROR_RATES"]), ("RECOVERY_FAILED", Found::Fail));
    assert_eq!(house.hands().split(SHOP).share(fleet(&before)).as_f64(), 100.0);
    house.world.script.recovery(Some(Decision::Pass));
    let retry = pb::ResolveInterruptionRequest {
        name: rollout.name.clone(),
        resolution: pb::resolve_interruption_request::Resolution::Retry.into(),
        reason: "it was the load test".into(),
        etag: stuck.metadata.unwrap().etag,
        ..Default::default()
    };
    house.client.resolve_interruption(retry).await.unwrap();
    assert_eq!(house.ended(&rollout.name).await.state(), State::RolledBack);
}

#[tokio::test]
async fn data_integrity_is_what_its_hook_says() {
    for (program, result) in [("true", Found::Pass), ("false", Found::Fail)] {
        let mut house = House::silent().await;
        house.stable(2).await;
        let rollout = failed(&mut house, probed(program)).await;
        let done = |it: &pb::Rollout| found(it).get("DATA_INTEGRITY") == Some(&result);
        house.until(&rollout.name, done).await;
        let state = if result == Found::Pass { State::RolledBack } else { State::NeedsOperator };
        house.in_state(&rollout.name, state).await;
    }
}

#[tokio::test]
async fn a_monitor_that_is_lost_blocks_no_recovery() {
    let mut house = House::silent().await;
    house.world.script.recovery(None);
    house.stable(2).await;
    let rollout = failed(&mut house, canary("2")).await;
    house.in_state(&rollout.name, State::Recovering).await;
    house.world.script.down(true);
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), found(&ended)["ERROR_RATES"]), (State::RolledBack, Found::NotChecked));
    assert_eq!(found(&ended)["HEALTH"], Found::Pass);
}

#[tokio::test]
async fn without_a_monitor_nobody_looks_and_nothing_waits() {
    let mut world = World::new(Script::new(None));
    world.monitored = false;
    let mut house = House::start(world).await;
    house.stable(2).await;
    let rollout = house.rollout(patient()).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    let abort =
        pb::AbortRolloutRequest { name: rollout.name.clone(), reason: "enough".into(), ..Default::default() };
    house.client.abort_rollout(abort).await.unwrap();
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), found(&ended)["ERROR_RATES"]), (State::RolledBack, Found::NotChecked));
}

#[tokio::test]
async fn what_the_monitor_tries_itself_speaks_for_user_journeys() {
    for (probe, result, state) in [
        (Decision::Pass, Found::Pass, State::RolledBack),
        (Decision::Fail, Found::Fail, State::NeedsOperator),
    ] {
        let mut house = House::silent().await;
        house.world.script.recovery(None);
        house.stable(2).await;
        let rollout = failed(&mut house, patient()).await;
        let recovery = format!("{}.recovery.1", rollout.name.replace("rollouts/", "analyses/"));
        let tried = CheckResult { level: Level::Warn.into(), ..check("probe-checkout", "percent", probe) };
        let checks = vec![check("errors-alone", "percent", Decision::Pass), tried];
        // PASS waits for a probe that fails
        let decision = if probe == Decision::Pass { Decision::Pass } else { Decision::Undecided };
        house.world.script.say_of_stable(&recovery, decision, checks).await;
        let ended = house.in_state(&rollout.name, state).await;
        assert_eq!(found(&ended)["USER_JOURNEYS"], result, "{ended:?}");
    }
}
