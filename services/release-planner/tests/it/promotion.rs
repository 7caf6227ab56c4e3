//! From environment to environment.

use bellwether_proto::{monitor::v1::Decision, planner::v1 as pb};
use bellwether_resource::time;
use bellwether_rollout::FleetId;
use pb::{release::State, release_environment::State as Stage};

use super::{
    files::{environment, shop, submission},
    house::House,
    wait::{code_of, stage, unmet},
};

const LONG: std::time::Duration = std::time::Duration::from_secs(20);

fn time_of(time: Option<&bellwether_proto::Timestamp>) -> jiff::Timestamp {
    time::timestamp(time.unwrap()).unwrap()
}

#[tokio::test]
async fn g11_each_environment_starts_when_the_soak_before_it_has_ended() {
    let mut house = House::passing().await;
    house.line(&["development", "staging", "production"], 700).await;
    house.apply(shop(&[("development", 1), ("staging", 1), ("production", 2)])).await;
    let release = house.submit("1").await;
    house.in_stage(&release.name, "development", Stage::Soaking).await;
    let done = house.in_state(&release.name, State::Completed).await;
    for (before, after) in [("development", "staging"), ("staging", "production")] {
        let live = time_of(stage(&done, before).live_since.as_ref());
        let started = time_of(stage(&done, after).start_time.as_ref());
        let soaked = started.duration_since(live).as_millis();
        assert!(soaked >= 700, "{after} started {soaked} ms after {before} was live");
    }
}

#[tokio::test]
async fn g11_a_planner_that_was_down_when_the_soak_ended_starts_at_once() {
    const SOAK: u64 = 600_000;
    let mut house = House::passing().await;
    house.line(&["development", "staging"], SOAK).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    house.in_stage(&release.name, "development", Stage::Soaking).await;
    house.stop_planner().await;
    house.world.clock.advance(std::time::Duration::from_millis(SOAK));
    house.start_planner().await;
    house.in_state(&release.name, State::Completed).await;
}

#[tokio::test]
async fn what_fails_upstream_does_not_go_on() {
    let mut house = House::new(Some(Decision::Fail)).await;
    house.line(&["development", "staging"], 0).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    let failed = house.in_state(&release.name, State::RolledBack).await;
    assert_eq!(code_of(&failed, "development"), "NO_PREVIOUS_VERSION");
    assert_eq!(stage(&failed, "staging").state(), Stage::Waiting);
    assert_eq!(unmet(&failed, "staging"), ["SOAK"]);
}

#[tokio::test]
async fn any_upstream_is_enough_where_any_is_asked_for() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    let mut waits = environment("staging", None, 0);
    waits.approvals = vec![pb::ApprovalRule { id: "nobody-comes".into(), ..Default::default() }];
    house.apply_environment(waits).await;
    let mut any = environment("production", None, 0);
    any.upstreams = vec!["development".into(), "staging".into()];
    any.set_upstream_mode(pb::environment::UpstreamMode::Any);
    house.apply_environment(any).await;
    house.apply(shop(&[("development", 1), ("staging", 1), ("production", 1)])).await;
    let release = house.submit("1").await;
    house.in_stage(&release.name, "production", Stage::Completed).await;
    assert_eq!(stage(&house.release(&release.name).await, "staging").state(), Stage::Waiting);
}

#[tokio::test]
async fn a_manual_environment_waits_for_somebody() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    let mut manual = environment("staging", Some("development"), 0);
    manual.set_promotion(pb::environment::PromotionMode::Manual);
    house.apply_environment(manual).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    house.until(&release.name, |release| unmet(release, "staging") == ["PROMOTION_MANUAL"]).await;
    house.promote(&release.name, "staging").await.unwrap();
    let done = house.in_state(&release.name, State::Completed).await;
    assert_eq!(stage(&done, "staging").promoted_by.as_ref().unwrap().id, "local");
}

#[tokio::test]
async fn a_change_of_the_application_plans_anew_and_one_of_its_count_does_not() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    let mut manual = environment("staging", Some("development"), 0);
    manual.set_promotion(pb::environment::PromotionMode::Manual);
    house.apply_environment(manual).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    house.until(&release.name, |release| unmet(release, "staging") == ["PROMOTION_MANUAL"]).await;
    house.apply(shop(&[("development", 1), ("staging", 3)])).await;
    let scaled = house.executor_target("shop@staging", |target| target.instances == 3).await;
    assert_eq!(scaled.instances, 3, "the executor was told at once");
    assert_eq!(house.release(&release.name).await.plan_digest, release.plan_digest);
    let mut changed = shop(&[("development", 1), ("staging", 3)]);
    changed.defaults.as_mut().unwrap().env.insert("FEATURE".into(), "on".into());
    house.apply(changed).await;
    house.until(&release.name, |now| now.plan_digest != release.plan_digest).await;
    let request = pb::GetReleaseRequest { name: release.name.clone() };
    let plan = house.client.get_release(request).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(plan.parent_digest, release.plan_digest);
    assert_eq!(plan.environments[0].spec.as_ref().unwrap().env.get("FEATURE"), None, "where it ran it stays");
    assert_eq!(plan.environments[1].spec.as_ref().unwrap().env["FEATURE"], "on");
}

#[tokio::test]
async fn a_soak_begins_anew_when_it_was_not_healthy() {
    const SOAK: u64 = 900;
    let mut house = House::passing().await;
    house.line(&["development", "staging"], SOAK).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    let soaking = house.in_stage(&release.name, "development", Stage::Soaking).await;
    let rollout = stage(&soaking, "development").rollout.clone();
    let fleet = FleetId(rollout.trim_start_matches("rollouts/").parse().unwrap());
    let hands = house.world.fake.control();
    hands.set_ready("shop@development", fleet, 0);
    house.fact(&release.name, "RELEASE_HEALTH_LOST").await;
    hands.set_ready("shop@development", fleet, 1);
    let regained = house.fact(&release.name, "RELEASE_HEALTH_REGAINED").await;
    let done = house.in_state(&release.name, State::Completed).await;
    let started = time_of(stage(&done, "staging").start_time.as_ref());
    let soaked = started.duration_since(time_of(regained.time.as_ref())).as_millis();
    assert!(soaked >= i128::from(SOAK), "{soaked} ms after it was healthy again");
}

#[tokio::test]
async fn an_older_version_that_somebody_promotes_holds_what_comes_by_itself() {
    let mut house = House::passing().await;
    house.line(&["development", "staging"], 0).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let old = house.submit("1").await;
    house.in_state(&old.name, State::Completed).await;
    let new = house.submit("2").await;
    house.in_state(&new.name, State::Completed).await;
    house.until(&old.name, |release| stage(release, "staging").live_since.is_none()).await;
    house.promote(&old.name, "staging").await.unwrap();
    house.until(&old.name, |release| stage(release, "staging").live_since.is_some()).await;
    house.until(&new.name, |release| stage(release, "staging").live_since.is_none()).await;
    let third = house.submit("3").await;
    house.until(&third.name, |release| unmet(release, "staging") == ["HELD_ON_OLDER_VERSION"]).await;
    house.promote(&third.name, "staging").await.unwrap();
    house.in_state(&third.name, State::Completed).await;
    let holds = house.client.list_holds(pb::ListHoldsRequest::default()).await.unwrap().into_inner();
    assert!(holds.holds.is_empty(), "a promotion ends the hold");
}

#[tokio::test]
async fn a_plan_expects_what_was_measured() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    let answer = house.client.submit_release(submission("2")).await.unwrap().into_inner();
    let part = answer.plan.unwrap().environments.remove(0);
    let measured = part.timeline.iter().find(|milestone| milestone.kind == "SCALE").unwrap();
    assert_eq!(measured.basis, "recorded (1)");
    assert_eq!(part.rollback.unwrap().target_version, "1");
}

// === impl House ===

impl House {
    pub async fn promote(&mut self, name: &str, environment: &str) -> Result<pb::Release, tonic::Status> {
        let request = pb::PromoteReleaseRequest {
            name: name.into(),
            environment: environment.into(),
            reason: "it is time".into(),
            ..Default::default()
        };
        Ok(self.client.promote_release(request).await?.into_inner().release.unwrap())
    }

    /// A target, as soon as `holds`.
    pub async fn executor_target(
        &mut self,
        target: &str,
        holds: impl Fn(&bellwether_proto::executor::v1::Target) -> bool,
    ) -> bellwether_proto::executor::v1::Target {
        use bellwether_proto::executor::v1::{WatchTargetsRequest, watch_targets_response::Message};
        let (application, environment) = target.split_once('@').unwrap();
        let filter = format!("application = {application} AND environment = {environment}");
        let request = WatchTargetsRequest { filter, ..Default::default() };
        let mut stream = self.executor.watch_targets(request).await.unwrap().into_inner();
        let wait = async {
            loop {
                let target = match stream.message().await.unwrap().unwrap().message.unwrap() {
                    Message::Snapshot(target) => target,
                    Message::Changed(change) => change.target.unwrap(),
                    _ => continue,
                };
                if holds(&target) {
                    return target;
                }
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap()
    }

    /// Returns once a target is gone.
    pub async fn executor_target_gone(&mut self, target: &str) {
        use bellwether_proto::executor::v1::{WatchTargetsRequest, watch_targets_response::Message};
        let (application, environment) = target.split_once('@').unwrap();
        let filter = format!("application = {application} AND environment = {environment}");
        let request = WatchTargetsRequest { filter, ..Default::default() };
        let mut stream = self.executor.watch_targets(request).await.unwrap().into_inner();
        let mut there = false;
        let wait = async {
            loop {
                match stream.message().await.unwrap().unwrap().message.unwrap() {
                    Message::Snapshot(_) => there = true,
                    Message::Current(_) if !there => return,
                    Message::Deleted(_) => return,
                    _ => {}
                }
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap();
    }

    /// The first change of this kind that a release had, or will have.
    async fn fact(&mut self, name: &str, fact: &str) -> bellwether_proto::common::v1::Change {
        let start = pb::WatchReleasesRequest { resume_token: self.beginning.clone(), ..Default::default() };
        let mut stream = self.client.watch_releases(start).await.unwrap().into_inner();
        let wait = async {
            loop {
                let message = stream.message().await.unwrap().unwrap().message.unwrap();
                let pb::watch_releases_response::Message::Changed(changed) = message else { continue };
                let change = changed.change.unwrap();
                if changed.release.unwrap().name == name && change.fact == fact {
                    return change;
                }
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap()
    }
}
