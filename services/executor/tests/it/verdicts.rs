//! Verdicts, and none.

use std::{collections::BTreeSet, time::Duration};

use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use pb::{rollout::State, watch_rollouts_response::Message};

use super::{
    house::{House, SHOP, canary, direct, span, start},
    wait::{at, share},
};

#[tokio::test]
async fn x05_repeated_late_and_reordered_verdicts_change_nothing() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.world.script.segment(&rollout.name, 1).await;
    let undecided = house.world.script.say(&rollout.name, Decision::Undecided);
    let pass = house.world.script.say(&rollout.name, Decision::Pass);
    house.at(&rollout.name, "BAKE", 50.0).await;
    house.world.script.segment(&rollout.name, 2).await;
    // the first segment's again, and one from before it
    house.world.script.repeat(pass.clone());
    house.world.script.repeat(undecided);
    let fail = house.world.script.say(&rollout.name, Decision::Fail);
    let ended = house.ended(&rollout.name).await;
    assert_eq!(ended.state(), State::RolledBack);
    house.world.script.repeat(pass);
    house.world.script.repeat(fail);
    let second = house.rollout(direct("3")).await;
    house.ended(&second.name).await;
    assert_eq!(house.get(&rollout.name).await, ended, "what has ended stays as it is");
    let shares: Vec<_> = house.hands().stats(SHOP).splits.iter().map(|it| it.shares.len()).collect();
    assert!(!shares.is_empty());
    let analysis = rollout.name.replace("rollouts/", "analyses/");
    assert_eq!(house.world.script.stopped(), [analysis.clone(), format!("{analysis}.recovery.1")]);
}

#[tokio::test]
async fn r31_a_lost_monitor_holds_and_several_losses_are_one_incident() {
    let mut house = House::silent().await;
    let other = "targets/cart@production";
    house.apply(other, 1).await;
    house.stable(2).await;
    let first = house.rollout(pb::StartRolloutRequest { target: other.into(), ..direct("1") }).await;
    house.ended(&first.name).await;
    let one = house.rollout(canary("2")).await;
    let two = house.rollout(pb::StartRolloutRequest { target: other.into(), ..canary("2") }).await;
    for rollout in [&one, &two] {
        house.until(&rollout.name, |it| at(it) == Some("BAKE") && share(it) == 10.0).await;
        house.world.script.segment(&rollout.name, 1).await;
    }
    let mut facts =
        house.client.watch_rollouts(pb::WatchRolloutsRequest::default()).await.unwrap().into_inner();
    house.world.script.down(true);
    let held = |it: &pb::Rollout| it.waiting_on.iter().any(|waiting| waiting.kind == "MONITOR");
    for rollout in [&one, &two] {
        let held = house.until(&rollout.name, held).await;
        assert_eq!((at(&held), share(&held)), (Some("BAKE"), 10.0), "nothing was advanced or taken back");
    }
    let named = incident(&mut facts).await;
    assert_eq!(named, [other.to_owned(), super::house::TARGET.to_owned()].into());
    house.world.script.down(false);
    for rollout in [&one, &two] {
        house.until(&rollout.name, |it| !held(it)).await;
        house.world.script.say(&rollout.name, Decision::Pass);
        house.at(&rollout.name, "BAKE", 50.0).await;
    }
}

/// The next change of this kind.
async fn next(facts: &mut tonic::Streaming<pb::WatchRolloutsResponse>, fact: &str) -> pb::RolloutChange {
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let message = facts.message().await.unwrap().unwrap().message;
            let Some(Message::Changed(change)) = message else { continue };
            if change.change.as_ref().is_some_and(|it| it.fact == fact) {
                return change;
            }
        }
    });
    told.await.unwrap()
}

/// The targets that the one fact about an incident names.
async fn incident(facts: &mut tonic::Streaming<pb::WatchRolloutsResponse>) -> BTreeSet<String> {
    let fact = next(facts, "MONITOR_INCIDENT").await.change.unwrap();
    let fact: serde_json::Value = serde_json::from_str(&fact.fact_json).unwrap();
    let targets = fact["event"]["incident"]["targets"].as_array().unwrap();
    targets.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn r33_an_irreversible_migration_that_fails_stays_where_it_is() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let mut request = canary("2");
    request.spec.as_mut().unwrap().irreversible = true;
    let rollout = house.rollout(request).await;
    let asked = house.world.script.segment(&rollout.name, 1).await;
    assert!(asked.one_sided_planned && !asked.only_one_sided_planned, "{asked:?}");
    house.world.script.say(&rollout.name, Decision::Fail);
    let stuck = house.in_state(&rollout.name, State::NeedsOperator).await;
    assert_eq!(stuck.reason.unwrap().values["stay"], "IRREVERSIBLE_MIGRATION");
    let choices: Vec<_> = stuck.allowed_actions.iter().map(|it| it.command.as_str()).collect();
    assert!(choices.contains(&"bellwether resolve shop@production ignore"), "{choices:?}");
}

#[tokio::test]
async fn r44_the_last_bake_fails_and_the_kept_fleet_serves_again() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let bake = pb::Bake { min: Some(super::house::span(0)), ..Default::default() };
    let strategy = pb::Strategy {
        kind: pb::strategy::Kind::BlueGreen.into(),
        final_bake: Some(bake),
        ..pb::Strategy::default()
    };
    let rollout = house.rollout(start("2", strategy)).await;
    house.at(&rollout.name, "BAKE", 100.0).await;
    let asked = house.world.script.segment(&rollout.name, 1).await;
    assert!(asked.only_one_sided_planned && !asked.baseline_fleet.is_empty(), "{asked:?}");
    let started = house.hands().stats(SHOP).started;
    house.world.script.say(&rollout.name, Decision::Fail);
    let ended = house.ended(&rollout.name).await;
    assert_eq!(ended.state(), State::RolledBack);
    assert_eq!(house.hands().stats(SHOP).started, started, "no instance was started");
}

#[tokio::test]
async fn r50_what_several_targets_lose_holds_them_all_whatever_their_policy() {
    let mut house = House::silent().await;
    let targets: Vec<String> = (0..4).map(|number| format!("targets/shop-{number}@production")).collect();
    let mut rollouts = Vec::new();
    for target in &targets {
        house.apply(target, 1).await;
        let first = pb::StartRolloutRequest { target: target.clone(), ..direct("1") };
        let first = house.rollout(first).await;
        house.ended(&first.name).await;
        let mut request = pb::StartRolloutRequest { target: target.clone(), ..canary("2") };
        request.policy.as_mut().unwrap().on_monitor_lost = pb::FailureAction::RollBack.into();
        let rollout = house.rollout(request).await;
        house.at(&rollout.name, "BAKE", 10.0).await;
        house.world.script.segment(&rollout.name, 1).await;
        rollouts.push(rollout.name);
    }
    let mut facts =
        house.client.watch_rollouts(pb::WatchRolloutsRequest::default()).await.unwrap().into_inner();
    for rollout in &rollouts {
        house.world.script.say(rollout, Decision::Error);
    }
    let together = |it: &pb::Rollout| it.waiting_on.iter().any(|it| it.text.contains("the source ERROR"));
    for rollout in &rollouts {
        let held = house.until(rollout, together).await;
        assert_eq!((held.state(), share(&held)), (State::Running, 10.0));
    }
    assert_eq!(incident(&mut facts).await, targets.into_iter().collect());
    // one that comes after finds them held, and tells nothing again
    let mut house = house.restart().await;
    for rollout in &rollouts {
        assert!(together(&house.get(rollout).await));
        house.world.script.segment(rollout, 1).await;
        house.world.script.say(rollout, Decision::Pass);
        house.at(rollout, "BAKE", 50.0).await;
    }
}

/// A rollout at 10 % whose bakes last `max` ms at most.
async fn impatient(house: &mut House, max: u64) -> pb::Rollout {
    let mut request = canary("2");
    request.strategy.as_mut().unwrap().bake.as_mut().unwrap().max = Some(span(max));
    let rollout = house.rollout(request).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.world.script.segment(&rollout.name, 1).await;
    rollout
}

/// The rollout, as soon as the newest numbers that it shows are these.
async fn showing(house: &mut House, name: &str, text: &str) -> pb::Rollout {
    let shown = async {
        // numbers between decisions are pushed to nobody
        let mut look = tokio::time::interval(Duration::from_millis(5));
        loop {
            look.tick().await;
            let rollout = house.get(name).await;
            let reason = rollout.verdict.as_ref().and_then(|it| it.reason.as_ref());
            if reason.is_some_and(|it| it.text == text) {
                return rollout;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), shown).await.unwrap()
}

#[tokio::test]
async fn r32_what_is_asked_at_max_names_the_newest_numbers() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = impatient(&mut house, 1_000).await;
    // the longest bake is not over while a person holds it
    let pause =
        pb::PauseRolloutRequest { name: rollout.name.clone(), reason: "lunch".into(), ..Default::default() };
    house.client.pause_rollout(pause).await.unwrap();
    let mut facts =
        house.client.watch_rollouts(pb::WatchRolloutsRequest::default()).await.unwrap().into_inner();
    let undecided = house.world.script.say(&rollout.name, Decision::Undecided);
    // it is shown before it is committed
    let told = next(&mut facts, "ROLLOUT_JUDGED").await.rollout.unwrap();
    house.world.script.refresh(&undecided, "1 of 2 requests failed");
    house.world.script.refresh(&undecided, "3 of 7 requests failed");
    let shown = showing(&mut house, &rollout.name, "3 of 7 requests failed").await;
    let version = |it: &pb::Rollout| it.metadata.clone().unwrap().version;
    assert_eq!(version(&shown), version(&told), "numbers alone are kept nowhere");

    let resume =
        pb::ResumeRolloutRequest { name: rollout.name.clone(), reason: "back".into(), ..Default::default() };
    house.client.resume_rollout(resume).await.unwrap();
    let asks = |it: &pb::Rollout| {
        let mut texts = it.waiting_on.iter().map(|it| it.text.as_str());
        texts.any(|it| it.contains("longest bake") && it.contains("3 of 7 requests failed"))
    };
    house.until(&rollout.name, asks).await;
    let mut house = house.restart().await;
    let after = house.get(&rollout.name).await;
    assert!(asks(&after), "what was decided with is kept: {:?}", after.waiting_on);
}

#[tokio::test]
async fn numbers_of_another_decision_change_nothing() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = impatient(&mut house, 60_000).await;
    let undecided = house.world.script.say(&rollout.name, Decision::Undecided);
    let pass =
        bellwether_proto::monitor::v1::Verdict { decision: Decision::Pass.into(), ..undecided.clone() };
    house.world.script.refresh(&pass, "all is well");
    showing(&mut house, &rollout.name, "all is well").await;
    // any input is decided on with the newest numbers
    let pause =
        pb::PauseRolloutRequest { name: rollout.name.clone(), reason: "lunch".into(), ..Default::default() };
    let paused = house.client.pause_rollout(pause).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!((at(&paused), share(&paused)), (Some("BAKE"), 10.0), "a refresh decides nothing");
    house.world.script.say(&rollout.name, Decision::Fail);
    assert_eq!(house.ended(&rollout.name).await.state(), State::RolledBack);
}
