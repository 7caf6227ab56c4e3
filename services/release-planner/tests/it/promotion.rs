//! From environment to environment.

use bellwether_proto::{monitor::v1::Decision, planner::v1 as pb};
use bellwether_resource::time;
use pb::{release::State, release_environment::State as Stage};

use super::{
    files::{environment, shop},
    house::House,
    wait::{code_of, stage, unmet},
};

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
    let mut house = House::passing().await;
    house.line(&["development", "staging"], 600).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    let soaking = house.in_stage(&release.name, "development", Stage::Soaking).await;
    let live = time_of(stage(&soaking, "development").live_since.as_ref());
    house.stop_planner().await;
    let soaked = live + std::time::Duration::from_millis(600);
    tokio::time::sleep(house.world.env.until(soaked)).await;
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
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.unwrap()
    }
}
