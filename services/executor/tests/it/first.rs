//! First deployments, and the canary that succeeds or is taken back.

use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use bellwether_rollout::Percent;
use pb::{rollout::State, validation_item::Result as Item};

use super::{
    house::{House, SHOP, canary, direct, fleet},
    wait::{reason, share},
};

#[tokio::test]
async fn r00a_a_first_deployment_that_is_good_serves() {
    let mut house = House::passing().await;
    house.target(3).await;
    let rollout = house.rollout(canary("1")).await;
    let rollout = house.ended(&rollout.name).await;
    assert_eq!(rollout.state(), State::Succeeded, "{:?}", rollout.reason);
    assert_eq!(rollout.display_name, "shop@production-1");
    let target = house.get_target().await;
    assert_eq!(target.stable.unwrap().id, fleet(&rollout).to_string());
    assert!(target.traffic_safe);
    assert_eq!(house.hands().split(SHOP).share(fleet(&rollout)), Percent::FULL);
    assert_eq!(house.hands().stats(SHOP).served_unready, []);
}

#[tokio::test]
async fn r00b_a_first_deployment_that_is_bad_goes_to_none() {
    let mut house = House::silent().await;
    house.target(2).await;
    let rollout = house.rollout(canary("1")).await;
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Fail);
    let rollout = house.ended(&rollout.name).await;
    assert_eq!((rollout.state(), reason(&rollout)), (State::RolledBack, "NO_PREVIOUS_VERSION"));
    assert!(house.hands().split(SHOP).shares.is_empty());
    assert_eq!(house.hands().instances(SHOP, fleet(&rollout)), []);
    assert!(rollout.evidence.unwrap().verdict.is_some());
}

#[tokio::test]
async fn r01_a_canary_that_passes_makes_its_very_instances_stable() {
    let mut house = House::passing().await;
    let before = house.stable(4).await;
    let rollout = house.rollout(canary("2")).await;
    let rollout = house.ended(&rollout.name).await;
    assert_eq!(rollout.state(), State::Succeeded, "{:?}", rollout.reason);
    let target = house.get_target().await;
    assert_eq!(target.stable.unwrap().id, fleet(&rollout).to_string());
    assert_eq!(target.kept[0].fleet.as_ref().unwrap().id, fleet(&before).to_string());
    let stats = house.hands().stats(SHOP);
    let mut started = stats.started[&fleet(&rollout)].clone();
    let mut serving = house.hands().instances(SHOP, fleet(&rollout));
    started.sort_unstable();
    serving.sort_unstable();
    assert_eq!(started, serving, "no instance of the candidate was started twice");
    let shares: Vec<_> = stats.splits.iter().map(|split| split.share(fleet(&rollout)).as_f64()).collect();
    assert_eq!(shares, [0.0, 10.0, 50.0, 100.0]);
    assert!(stats.served_unready.is_empty() && stats.peak_instances <= 8);
}

#[tokio::test]
async fn r02_a_canary_that_fails_is_taken_back() {
    let mut house = House::silent().await;
    let before = house.stable(4).await;
    let stable = house.hands().instances(SHOP, fleet(&before));
    let rollout = house.rollout(canary("2")).await;
    let baking = house.at(&rollout.name, "BAKE", 10.0).await;
    assert!(baking.traffic_safe);
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Fail);
    let rollout = house.ended(&rollout.name).await;
    assert_eq!(rollout.state(), State::RolledBack, "{:?}", rollout.reason);
    assert_eq!(house.hands().instances(SHOP, fleet(&before)), stable, "stable was never restarted");
    assert_eq!(house.hands().instances(SHOP, fleet(&rollout)), []);
    assert_eq!(house.hands().split(SHOP).share(fleet(&before)), Percent::FULL);
    assert_eq!(share(&rollout), 0.0);
    let health = rollout.validation.iter().find(|item| item.id == "HEALTH").unwrap();
    assert_eq!(health.result(), Item::Pass);
    assert!(rollout.rollback_times.unwrap().traffic_back.is_some());
    let undone: Vec<_> =
        rollout.steps.iter().filter(|step| step.undo).map(|step| step.kind.as_str()).collect();
    assert_eq!(undone, ["RESTORE_CAPACITY", "ROUTE", "VERIFY_ROUTE", "DRAIN", "REMOVE"]);
    assert!(rollout.traffic_safe);
}

#[tokio::test]
async fn r36_the_same_version_again_is_unchanged() {
    let mut house = House::passing().await;
    house.stable(2).await;
    let again = house.rollout(direct("1")).await;
    let again = house.ended(&again.name).await;
    assert_eq!((again.state(), reason(&again)), (State::Succeeded, "UNCHANGED"));
}
