//! What platforms can do, as the executor says.

use bellwether_platform::Capabilities;
use bellwether_proto::{
    executor::v1::{self as executor, strategy::Kind},
    planner::v1 as pb,
};
use pb::release::State;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    files::{shop, submission},
    house::House,
    wait::{refusal, stage, unmet},
};

/// The shop with a strategy that runs two fleets.
fn blue_green() -> pb::Application {
    let mut application = shop(&[("development", 2)]);
    application.defaults.as_mut().unwrap().strategy.as_mut().unwrap().set_kind(Kind::BlueGreen);
    application
}

/// 1 serves on a platform that then loses everything but reading routes back and draining.
async fn poor() -> House {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 2)])).await;
    let release = house.submit("1").await;
    house.in_state(&release.name, State::Completed).await;
    let can = Capabilities { confirm: true, drain: true, ..Capabilities::default() };
    house.world.fake.control().capabilities(can);
    house
}

#[tokio::test]
async fn r38_an_application_that_its_platform_cannot_carry_out_is_refused_with_what_is_missing() {
    let mut house = poor().await;
    let request = pb::ApplyApplicationRequest { application: Some(blue_green()), ..Default::default() };
    let status = house.client.apply_application(request.clone()).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::FailedPrecondition, "PLAN_IMPOSSIBLE"));
    let missing = status.get_error_details().precondition_failure().unwrap().violations.clone();
    let blue_green = missing.iter().find(|it| it.description.starts_with("blue-green:")).unwrap();
    assert!(blue_green.description.contains("no surge"), "{blue_green:?}");
    let pretended = pb::ApplyApplicationRequest { validate_only: true, ..request };
    let status = house.client.apply_application(pretended).await.unwrap_err();
    assert_eq!(refusal(&status), "PLAN_IMPOSSIBLE", "the same without doing it");
}

#[tokio::test]
async fn what_a_platform_can_no_longer_do_is_planned_anew() {
    let mut house = House::passing().await;
    let mut gated = super::files::environment("development", None, 0);
    gated.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), ..Default::default() }];
    house.apply_environment(gated).await;
    house.apply(shop(&[("development", 2)])).await;
    let first = house.submit("1").await;
    house.approve("local", &first.name, "development").await.unwrap();
    house.in_state(&first.name, State::Completed).await;
    let second = house.submit("2").await;
    house.because(&second.name, "development", "APPROVAL").await;
    let request = pb::GetReleaseRequest { name: second.name.clone() };
    let plan = house.client.get_release(request).await.unwrap().into_inner().plan.unwrap();
    assert!(plan.environments[0].needs.contains(&"surge".to_owned()), "{:?}", plan.environments[0].needs);
    house.world.fake.control().capabilities(Capabilities::default());
    // the executor tells with the next changes of the target
    let name = "targets/shop@development".to_owned();
    for instances in [3, 4] {
        let request = executor::GetTargetRequest { name: name.clone() };
        let target = house.executor.get_target(request).await.unwrap().into_inner().target;
        let target = target.map(|target| executor::Target { instances, metadata: None, ..target });
        let request = executor::ApplyTargetRequest { target, ..Default::default() };
        house.executor.apply_target(request).await.unwrap();
    }
    house
        .until(&second.name, |release| unmet(release, "development").contains(&"PLAN_OUTDATED".to_owned()))
        .await;
    let release = house.release(&second.name).await;
    assert!(stage(&release, "development").rollout.is_empty());
    let conditions = &stage(&release, "development").conditions;
    let why = format!("{:?}", conditions.iter().find(|condition| condition.code == "PLAN_OUTDATED"));
    assert!(
        why.contains("the platform in development can no longer do weights, surge") && why.contains("surge"),
        "{why}"
    );
}

#[tokio::test]
async fn a_platform_that_the_executor_does_not_have_is_refused_at_once() {
    let mut house = House::passing().await;
    let mut application = shop(&[("development", 1)]);
    application.defaults.as_mut().unwrap().platform = "moon".into();
    let request = pb::ApplyApplicationRequest { application: Some(application), ..Default::default() };
    let status = house.client.apply_application(request).await.unwrap_err();
    let fields = status.get_error_details().bad_request().unwrap().field_violations.clone();
    assert_eq!(fields[0].field, "application.environments.development.platform");
    assert!(fields[0].description.contains("fake"), "{}", fields[0].description);
}

#[tokio::test]
async fn while_the_executor_is_away_everything_is_taken_to_be_possible() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.stop_executor().await;
    house.apply(blue_green()).await;
    let plan = house.client.submit_release(submission("1")).await.unwrap().into_inner().plan.unwrap();
    assert_eq!(plan.environments[0].strategy_choice.as_ref().unwrap().chosen(), Kind::BlueGreen);
}
