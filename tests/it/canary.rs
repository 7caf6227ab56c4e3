//! A good and a bad canary under load, whatever processes the services are in.

use bellwether_proto::executor::v1::{Rollout, rollout::State, strategy::Kind};
use bellwether_tests::{
    shop::{self, Release},
    stack::{Setup, Stack},
};

use super::{
    PROGRAM,
    observe::{fleet_of, ids, stable_of, target},
};

/// What a debug build carries beside everything else on two cores.
const RPS: u32 = 200;

/// The kinds of the steps that undid it, by the time at which they were done.
fn undone(rollout: &Rollout) -> Vec<&str> {
    let mut steps: Vec<_> = rollout.steps.iter().filter(|step| step.undo).collect();
    steps.sort_by_key(|step| step.end_time.as_ref().map(|time| (time.seconds, time.nanos)));
    assert!(steps.iter().all(|step| step.end_time.is_some()), "{steps:#?}");
    steps.iter().map(|step| step.kind.as_str()).collect()
}

async fn r01(stack: &Stack) {
    let good = Release::of("2", Kind::Canary).weights(&[10.0, 50.0, 100.0]);
    let name = shop::submit(stack, "shop", &good).await.unwrap();
    let at_100 = shop::rollout_until(stack, &name, |it| {
        it.split_observed.len() == 1 && it.split_observed.iter().all(|share| it.name.ends_with(&share.fleet))
    });
    let at_100 = at_100.await.unwrap();
    let fleet = fleet_of(&at_100);
    let tested = ids(&at_100.instances, &fleet);
    let ended = shop::ended(stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    let target = target(stack).await;
    assert_eq!(stable_of(&target), fleet, "what was tested is what serves");
    assert_eq!(ids(&target.instance_states, &fleet), tested, "the very instances that were tested");
    assert_eq!(tested.len(), 4);
    assert!(target.instance_states.iter().all(|it| it.restarts == 0), "none was restarted");
    assert!(ended.traffic_safe && target.traffic_safe);
}

async fn r02(stack: &Stack) {
    let before = target(stack).await;
    let stable = stable_of(&before);
    let bad = Release::of("3", Kind::Canary).weights(&[10.0, 50.0, 100.0]).set("SHOP_ERRORS_PERCENT", "20");
    let name = shop::submit(stack, "shop", &bad).await.unwrap();
    let ended = shop::ended(stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    assert_eq!(ended.reason.as_ref().unwrap().code, "VERDICT_FAIL");
    assert_eq!(undone(&ended), ["RESTORE_CAPACITY", "ROUTE", "VERIFY_ROUTE", "DRAIN", "REMOVE"]);
    let failing = ended.steps.iter().find(|step| !step.undo && step.kind == "BAKE").unwrap();
    assert!(failing.reason.is_some(), "{failing:?}");
    assert!(ended.rollback_times.as_ref().unwrap().traffic_back.is_some());
    assert!(ended.validation.iter().any(|item| item.id == "HEALTH"), "{:?}", ended.validation);
    let after = target(stack).await;
    assert_eq!(stable_of(&after), stable);
    assert_eq!(
        ids(&after.instance_states, &stable),
        ids(&before.instance_states, &stable),
        "stable was never restarted"
    );
    assert_eq!(after.split.len(), 1);
    assert_eq!((after.split[0].fleet.as_str(), after.split[0].percent), (stable.as_str(), 100.0));
    assert!(after.candidate.is_none());
}

async fn good_and_bad(setup: Setup) {
    let stack = Stack::start(setup).await.unwrap();
    let load = shop::serving(&stack, "shop", 4, RPS).await.unwrap();
    r01(&stack).await;
    r02(&stack).await;
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "no request failed because of a rollout: {:?}", tally.failures);
    assert!(tally.injected > 0, "the bad version was used");
    let bad = &tally.versions["3"];
    assert!(bad.answers < tally.sent / 5, "and only by few: {tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r01_r02_in_one_process_under_load() {
    good_and_bad(Setup::one(PROGRAM)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r01_r02_in_four_processes_under_load() {
    good_and_bad(Setup::four(PROGRAM)).await;
}
