use std::time::Duration;

use bellwether_clock::Env;
use bellwether_platform::{
    Driver, Error, Fence,
    fake::{Behaviour, Fake},
};
use bellwether_rollout::{Artifact, Desired, DesiredFleet, FleetId, FleetSpec, Problem, Split, TargetSpec};
use futures::StreamExt;
use uuid::Uuid;

const TARGET: &str = "shop@production";
const LIMIT: Duration = Duration::from_secs(10);

fn fleet() -> FleetId {
    FleetId(Uuid::from_u128(7))
}

fn desired(version: &str, count: u32) -> Desired {
    let artifact = Artifact { version: version.into(), ..Artifact::default() };
    let spec = FleetSpec { artifact, ..FleetSpec::default() };
    let fleet = DesiredFleet { id: fleet(), spec_digest: spec.identity(), spec, count };
    Desired {
        generation: 1,
        target: TargetSpec::default(),
        split: Split::all_to(fleet.id),
        fleets: vec![fleet],
        route_revision: 1,
        drains: vec![],
        stable: None,
        journeys: vec![],
        hands_off: false,
    }
}

fn fence(generation: u64) -> Fence {
    Fence { journal_id: Uuid::nil(), epoch: 1, generation }
}

fn fake() -> (Fake, Driver) {
    let fake = Fake::new(Env::system());
    (fake.clone(), fake.into())
}

#[tokio::test]
async fn readiness_is_driven_by_hand_and_noted() {
    let (fake, driver) = fake();
    let control = fake.control();
    control.behaviour("slow", Behaviour::ByHand);
    driver.converge(TARGET, &desired("slow", 3), fence(1)).await.unwrap();
    assert_eq!(control.ready(TARGET, fleet()), 0);
    assert_eq!(control.stats(TARGET).served_unready.len(), 1, "it was routed to before it was ready");
    control.set_ready(TARGET, fleet(), 2);
    assert_eq!(driver.observe(TARGET).await.unwrap().ready(fleet()), 2);
    assert_eq!(control.stats(TARGET).peak_instances, 3);
}

#[tokio::test]
async fn instances_start_slowly_or_crash_again_and_again() {
    let (fake, driver) = fake();
    let control = fake.control();
    control.behaviour("slow", Behaviour::ReadyAfter(Duration::from_millis(50)));
    control.behaviour("bad", Behaviour::CrashAfter(Duration::from_millis(10)));
    driver.converge(TARGET, &desired("slow", 2), fence(1)).await.unwrap();
    assert_eq!(control.ready(TARGET, fleet()), 0);
    assert!(control.eventually(TARGET, LIMIT, |it| it.ready(TARGET, fleet()) == 2).await);
    driver.converge("bad@test", &desired("bad", 1), fence(1)).await.unwrap();
    let mut watch = Box::pin(driver.watch("bad@test"));
    let crashed = async { while watch.next().await.unwrap().unwrap().instances[0].restarts < 3 {} };
    tokio::time::timeout(LIMIT, crashed).await.unwrap();
}

#[tokio::test]
async fn a_refused_route_leaves_the_old_one_and_converges_the_rest() {
    let (fake, driver) = fake();
    let control = fake.control();
    control.refuse_routes(TARGET, Some("no"));
    let refused = driver.converge(TARGET, &desired("1", 2), fence(1)).await;
    assert!(matches!(refused, Err(Error::Rejected { .. })));
    assert_eq!(control.split(TARGET), Split::default());
    assert_eq!(control.instances(TARGET, fleet()).len(), 2);
    assert_eq!(driver.observe(TARGET).await.unwrap().generation, 0, "both must have applied it");
    control.refuse_routes(TARGET, None);
    driver.converge(TARGET, &desired("1", 2), fence(1)).await.unwrap();
    assert_eq!(driver.observe(TARGET).await.unwrap().generation, 1);
}

#[tokio::test]
async fn unavailability_is_seen_and_ends() {
    let (fake, driver) = fake();
    let control = fake.control();
    let mut watch = Box::pin(driver.watch(TARGET));
    assert!(watch.next().await.unwrap().is_ok());
    control.unavailable(Some("down"));
    assert!(matches!(driver.observe(TARGET).await, Err(Error::Unavailable { .. })));
    assert!(watch.next().await.unwrap().is_err());
    control.unavailable(None);
    while watch.next().await.unwrap().is_err() {}
}

#[tokio::test]
async fn thousands_of_targets_are_cheap() {
    let (fake, driver) = fake();
    for number in 0..2_000 {
        driver.converge(&format!("app{number}@test"), &desired("1", 4), fence(1)).await.unwrap();
    }
    assert_eq!(fake.control().ready("app1999@test", fleet()), 4);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_until_it_is_gone() {
    let (fake, driver) = fake();
    driver.converge(TARGET, &desired("1", 1), fence(1)).await.unwrap();
    let mut watch = Box::pin(driver.watch(TARGET));
    let problem = Problem {
        code: "NO_PORT".into(),
        fleet: Some(fleet()),
        instance: None,
        message: "no port is free".into(),
        since: None,
        remedy: String::new(),
    };
    fake.control().problems(TARGET, vec![problem.clone()]);
    while watch.next().await.unwrap().unwrap().problems != [problem.clone()] {}
    fake.control().problems(TARGET, vec![]);
    while !watch.next().await.unwrap().unwrap().problems.is_empty() {}
    assert!(driver.observe(TARGET).await.unwrap().instances[0].start_time.is_some());
}
