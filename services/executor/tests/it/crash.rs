//! The process dies, and another one takes over.

use std::time::Duration;

use bellwether_clock::{Clock, Env, SystemClock, Timestamp};
use bellwether_executor::Stop;
use bellwether_platform::fake::Control;
use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use pb::{rollout::State, watch_rollouts_response::Message};
use tonic::Status;

use super::{
    house::{House, SHOP, TARGET, World, canary, direct, fleet, open, span},
    mortal::Mortal,
    script::Script,
    wait::at,
};

/// Applies a target, brings version 1 in, then version 2; the end of each. Repeatable: every call has its request id.
async fn drive(house: &mut House) -> Result<Vec<pb::Rollout>, Status> {
    let target = pb::Target { name: TARGET.into(), instances: 2, ..pb::Target::default() };
    let apply =
        pb::ApplyTargetRequest { request_id: "apply".into(), target: Some(target), validate_only: false };
    house.client.apply_target(apply).await?;
    let mut ends = Vec::new();
    for (id, request) in [("one", direct("1")), ("two", canary("2"))] {
        let request = pb::StartRolloutRequest { request_id: id.into(), ..request };
        let started = house.client.start_rollout(request).await?.into_inner().rollout.unwrap();
        ends.push(end(house, &started.name).await?);
    }
    Ok(ends)
}

async fn end(house: &mut House, name: &str) -> Result<pb::Rollout, Status> {
    let request = pb::WatchRolloutsRequest { filter: format!("name = {name:?}"), ..Default::default() };
    let mut stream = house.client.watch_rollouts(request).await?.into_inner();
    loop {
        let message = stream.message().await?.ok_or_else(|| Status::unavailable("ended"))?;
        let rollout = match message.message {
            Some(Message::Snapshot(rollout)) => rollout,
            Some(Message::Changed(change)) => change.rollout.unwrap(),
            _ => continue,
        };
        if rollout.end_time.is_some() {
            return Ok(rollout);
        }
    }
}

/// The same story with a crash at commit `at`; false when it ended before that commit.
async fn crashed_at(at: u64, durable: bool, decision: Decision, end: State) -> bool {
    let world = World::new(Script::new(Some(decision)));
    let mortal = Mortal::new(open(&world.file(), &world.env).await, at, durable);
    let mut house = House::over(world, mortal.clone()).await;
    let untouched = tokio::select! {
        ends = drive(&mut house) => ends.is_ok(),
        () = mortal.commits.died() => false,
    };
    let mut house = House::start(house.stop().await).await;
    let finished = tokio::time::timeout(Duration::from_secs(30), drive(&mut house)).await;
    let ends = finished.unwrap_or_else(|_| panic!("stuck after a crash at commit {at}")).unwrap();
    told(&mut house, &ends, end, &format!("crash at commit {at}")).await;
    house.stop().await;
    untouched
}

/// The story was told once: one fleet each, no instance twice, no request lost, no event twice.
async fn told(house: &mut House, ends: &[pb::Rollout], end: State, when: &str) {
    let (one, two) = (&ends[0], &ends[1]);
    assert_eq!((one.state(), two.state()), (State::Succeeded, end), "{when}: {:?}", two.reason);
    let target = house.get_target().await;
    assert_eq!(target.last_rollout_number, 2, "{when}: nothing was started twice");
    let serving = if end == State::Succeeded { two } else { one };
    let hands = house.hands();
    assert_eq!(hands.split(SHOP).share(fleet(serving)).as_f64(), 100.0, "{when}");
    assert_eq!(hands.instances(SHOP, fleet(serving)).len(), 2, "{when}");
    let stats = hands.stats(SHOP);
    assert_eq!(stats.started.len(), 2, "{when}: no second fleet");
    assert!(stats.started.values().all(|ids| ids.len() <= 2), "{when}: no instance twice");
    assert_eq!(stats.served_unready, [], "{when}: no request met a fleet without instances");
}

/// The same story with an executor whose every life ends at its first commit, right after that was durable.
async fn of_single_commits(decision: Decision, end: State) {
    let mut world = World::new(Script::new(Some(decision)));
    for life in 1..300 {
        let mortal = Mortal::new(open(&world.file(), &world.env).await, 1, true);
        let mut house = House::over(world, mortal.clone()).await;
        let ends = tokio::select! {
            ends = tokio::time::timeout(Duration::from_secs(20), drive(&mut house)) => {
                Some(ends.unwrap_or_else(|_| panic!("life {life} neither commits nor comes to an end")))
            }
            () = mortal.commits.died() => None,
        };
        if let Some(Ok(ends)) = ends {
            assert!(life > 15, "the story has more commits than {life}");
            told(&mut house, &ends, end, &format!("life {life}")).await;
            house.stop().await;
            return;
        }
        world = house.stop().await;
    }
    panic!("it does not come on");
}

#[tokio::test]
async fn x01_an_executor_that_dies_at_each_of_its_commits_comes_on_in_r01() {
    of_single_commits(Decision::Pass, State::Succeeded).await;
}

#[tokio::test]
async fn x01_an_executor_that_dies_at_each_of_its_commits_comes_on_in_r02() {
    of_single_commits(Decision::Fail, State::RolledBack).await;
}

/// At each commit, one after the other, until the story is over before the next one.
async fn at_each_commit(decision: Decision, end: State) {
    for at in 1..200 {
        if crashed_at(at, at % 2 == 0, decision, end).await {
            assert!(at > 15, "the story has more commits than {at}");
            return;
        }
    }
    panic!("the story does not end");
}

#[tokio::test]
async fn x01_a_crash_at_any_commit_of_r01_leads_to_the_same_end() {
    at_each_commit(Decision::Pass, State::Succeeded).await;
}

#[tokio::test]
async fn x01_a_crash_at_any_commit_of_r02_leads_to_the_same_end() {
    at_each_commit(Decision::Fail, State::RolledBack).await;
}

/// A clock at another wall time.
struct Shifted(SystemClock, jiff::SignedDuration);

impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        self.0.now() + self.1
    }

    fn random(&self) -> u64 {
        self.0.random()
    }
}

#[tokio::test]
async fn x08_a_wall_clock_that_jumps_by_an_hour_changes_no_bake() {
    for hours in [1, -1] {
        let mut house = House::silent().await;
        house.stable(2).await;
        let mut request = canary("2");
        let bake = pb::Bake { min: Some(span(1_500)), max: Some(span(7_200_000)), no_checks: false };
        request.strategy.as_mut().unwrap().bake = Some(bake);
        let rollout = house.rollout(request).await;
        house.at(&rollout.name, "BAKE", 10.0).await;
        house.world.script.segment(&rollout.name, 1).await;
        house.world.script.say(&rollout.name, Decision::Pass);
        house.until(&rollout.name, |it| it.verdict.is_some()).await;
        let mut world = house.stop().await;
        let real = Env::system();
        world.env = Env::new(Shifted(SystemClock::new(), jiff::SignedDuration::from_hours(hours)));
        let began = real.now();
        let mut house = House::start(world).await;
        let first = house.get(&rollout.name).await;
        assert_eq!(at(&first), Some("BAKE"), "{hours} h of wall time are no observed time");
        house.at(&rollout.name, "BAKE", 50.0).await;
        let took = real.since(began);
        assert!(took > Duration::from_millis(300), "the bake was not cut short: {took:?}");
    }
}

#[tokio::test]
async fn an_executor_on_a_restored_backup_stops() {
    let house = House::passing().await;
    let (dir, file) = (house.world.dir.path().join("backup.db"), house.world.file());
    let world = house.stop().await;
    std::fs::copy(&file, &dir).unwrap();
    let mut house = House::start(world).await;
    house.stable(1).await;
    let obeyed = house.hands().stats(SHOP).obeyed;
    let house = house.restart().await;
    let again = |hands: &Control| hands.stats(SHOP).obeyed > obeyed;
    assert!(house.hands().eventually(SHOP, Duration::from_secs(20), again).await, "in a later tenure");
    let world = house.stop().await;
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file.display()));
    }
    std::fs::copy(&dir, &file).unwrap();
    let mut house = House::start(world).await;
    house.target(1).await;
    let stopped = house.stopped().await;
    assert!(matches!(stopped, Some(Stop::JournalOlderThanPlatform { .. })), "{stopped:?}");
}
