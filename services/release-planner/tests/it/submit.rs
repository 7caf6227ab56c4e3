//! Handing releases in.

use bellwether_proto::planner::v1 as pb;
use pb::{release::State, release_environment::State as Stage};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    files::{bundle, shop, submission},
    house::House,
    wait::{refusal, stage},
};

#[tokio::test]
async fn a_first_release_goes_out_and_completes() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 2)])).await;
    let answer = house.client.submit_release(submission("1")).await.unwrap().into_inner();
    let (release, plan) = (answer.release.unwrap(), answer.plan.unwrap());
    assert_eq!((release.display_name.as_str(), &release.plan_digest), ("shop 1", &plan.digest));
    assert_eq!(plan.environments.len(), 1);
    let done = house.in_state(&release.name, State::Completed).await;
    let there = stage(&done, "development");
    assert_eq!(there.rollout_display_name, "shop@development-1");
    assert!(there.live_since.is_some() && done.end_time.is_some());
    let target = bellwether_proto::executor::v1::GetTargetRequest { name: "targets/shop@development".into() };
    let target = house.executor.get_target(target).await.unwrap().into_inner().target.unwrap();
    assert_eq!(target.stable.unwrap().rollout, there.rollout);
}

#[tokio::test]
async fn validate_only_plans_and_keeps_nothing() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let request = pb::SubmitReleaseRequest { validate_only: true, ..submission("1") };
    let pretended = house.client.submit_release(request).await.unwrap().into_inner();
    assert_eq!(pretended.release.unwrap().name, "");
    let real = house.client.submit_release(submission("1")).await.unwrap().into_inner();
    assert_eq!(pretended.plan, real.plan, "the same plan, with the same digest");
    let releases = house.client.list_releases(pb::ListReleasesRequest::default()).await.unwrap().into_inner();
    assert_eq!(releases.releases.len(), 1);
}

#[tokio::test]
async fn c08_validate_only_fails_exactly_when_the_real_call_does() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1)])).await;
    let no_version = pb::SubmitReleaseRequest { bundle: Some(bundle("")), ..submission("1") };
    let no_application = pb::SubmitReleaseRequest { application: "nothing".into(), ..submission("1") };
    for request in [submission("1"), no_version, no_application, pb::SubmitReleaseRequest::default()] {
        let pretend = pb::SubmitReleaseRequest { validate_only: true, ..request.clone() };
        let pretended = house.client.submit_release(pretend).await.map(drop);
        let real = house.client.submit_release(request).await.map(drop);
        let code =
            |result: Result<(), tonic::Status>| result.map_err(|status| (status.code(), refusal(&status)));
        assert_eq!(code(pretended), code(real));
    }
}

#[tokio::test]
async fn r38_every_violation_is_told_at_once() {
    let mut house = House::passing().await;
    let mut wrong = bundle(&"v".repeat(200));
    wrong.strategy = Some(bellwether_proto::executor::v1::Strategy {
        weights_percent: vec![50.0, 20.0, 120.0],
        ..Default::default()
    });
    wrong.artifact = Some(Default::default());
    let request = pb::SubmitReleaseRequest {
        application: "No Such".into(),
        bundle: Some(wrong),
        team: "A TEAM".into(),
        ..Default::default()
    };
    let status = house.client.submit_release(request).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::InvalidArgument, "INVALID_FIELDS"));
    let found = status.get_error_details().bad_request().unwrap().field_violations.clone();
    let paths: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
    let expected = [
        "application",
        "bundle.version",
        "bundle.artifact.source",
        "bundle.strategy.weights_percent[1]",
        "bundle.strategy.weights_percent[2]",
        "team",
    ];
    assert_eq!(paths, expected);
}

#[tokio::test]
async fn an_artifact_is_needed_where_the_command_is_one() {
    let mut house = House::passing().await;
    let mut application = shop(&[("development", 1)]);
    application.defaults.as_mut().unwrap().command.clear();
    house.apply(application).await;
    let status = house.client.submit_release(submission("1")).await.unwrap_err();
    assert_eq!(
        status.get_error_details().bad_request().unwrap().field_violations[0].field,
        "bundle.artifact"
    );
}

#[tokio::test]
async fn a_release_waits_for_an_executor_that_is_down_and_says_so() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.stop_executor().await;
    house.apply(shop(&[("development", 1)])).await;
    let release = house.submit("1").await;
    let waiting = house.in_stage(&release.name, "development", Stage::RollingOut).await;
    assert_eq!(waiting.state(), State::RollingOut);
    house.because(&release.name, "development", "TARGET_PENDING").await;
    house.start_executor().await;
    house.in_state(&release.name, State::Completed).await;
}

#[tokio::test]
async fn x04_a_planner_that_is_stopped_at_any_point_goes_on() {
    let mut house = House::passing().await;
    house.line(&["development", "staging"], 0).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let release = house.submit("1").await;
    for _ in 0..4 {
        house.stop_planner().await;
        house.start_planner().await;
    }
    let done = house.in_state(&release.name, State::Completed).await;
    for environment in ["development", "staging"] {
        assert_eq!(
            stage(&done, environment).rollout_display_name,
            format!("shop@{environment}-1"),
            "one rollout"
        );
    }
}

#[tokio::test]
async fn a_newer_release_supersedes_one_that_waits() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.line(&["staging"], 0).await;
    let mut gated = super::files::environment("development", None, 0);
    gated.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), ..Default::default() }];
    house.apply_environment(gated).await;
    house.apply(shop(&[("development", 1)])).await;
    let old = house.submit("1").await;
    house.because(&old.name, "development", "APPROVAL").await;
    let new = house.submit("2").await;
    house.approve("local", &new.name, "development").await.unwrap();
    house.in_state(&new.name, State::Completed).await;
    house.in_state(&old.name, State::Superseded).await;
}

#[tokio::test]
async fn wait_release_answers_when_it_is_there_or_the_time_is_over() {
    let mut house = House::new(None).await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let release = house.submit("1").await;
    let short = pb::WaitReleaseRequest {
        name: release.name.clone(),
        timeout: Some(super::files::millis(50)),
        ..Default::default()
    };
    assert!(!house.client.wait_release(short).await.unwrap().into_inner().reached);
    house.world.monitor.decide(Some(bellwether_proto::monitor::v1::Decision::Pass));
    let long = pb::WaitReleaseRequest { name: release.name, ..Default::default() };
    let waited = house.client.wait_release(long).await.unwrap().into_inner();
    assert_eq!((waited.reached, waited.release.unwrap().state()), (true, State::Completed));
}

#[tokio::test]
async fn r13_a_newer_release_takes_the_place_of_one_at_work() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    house.world.monitor.decide(None);
    let second = house.submit("2").await;
    house.until(&second.name, |release| !stage(release, "development").rollout.is_empty()).await;
    let third = house.submit("3").await;
    house.in_state(&second.name, State::Superseded).await;
    house.world.monitor.decide(Some(bellwether_proto::monitor::v1::Decision::Pass));
    house.in_state(&third.name, State::Completed).await;
}

#[tokio::test]
async fn what_the_executor_refuses_fails_with_its_reason() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    let mut application = shop(&[("development", 1)]);
    application.defaults.as_mut().unwrap().router = "nowhere".into();
    // while it is away nobody knows better
    house.stop_executor().await;
    house.apply(application).await;
    let release = house.submit("1").await;
    house.start_executor().await;
    let failed = house.in_state(&release.name, State::Failed).await;
    let reason = stage(&failed, "development").reason.clone().unwrap();
    assert!(reason.text.contains("router"), "{reason:?}");
    house.apply(shop(&[("development", 1)])).await;
    house.promote(&release.name, "development").await.unwrap();
    house.in_state(&release.name, State::Completed).await;
}

#[tokio::test]
async fn what_waits_past_its_deadline_expires() {
    let mut house = House::passing().await;
    let mut gated = super::files::environment("development", None, 0);
    gated.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), ..Default::default() }];
    house.apply_environment(gated).await;
    house.apply(shop(&[("development", 1)])).await;
    let end = house.world.env.now() + std::time::Duration::from_millis(400);
    let expire_time = Some(bellwether_resource::time::to_timestamp(end));
    let request = pb::SubmitReleaseRequest { expire_time, ..submission("1") };
    let release = house.client.submit_release(request).await.unwrap().into_inner().release.unwrap();
    house.because(&release.name, "development", "APPROVAL").await;
    house.in_state(&release.name, State::Expired).await;
}

#[tokio::test]
async fn waiting_for_attention_ends_when_somebody_is_needed() {
    use bellwether_proto::{executor::v1::FailureAction, monitor::v1::Decision};
    let mut house = House::new(Some(Decision::Fail)).await;
    house.line(&["development"], 0).await;
    let mut application = shop(&[("development", 1)]);
    application.defaults.as_mut().unwrap().policy.as_mut().unwrap().set_on_fail(FailureAction::Stay);
    house.apply(application).await;
    let release = house.submit("1").await;
    let request = pb::WaitReleaseRequest {
        name: release.name,
        until: pb::wait_release_request::Until::Attention.into(),
        ..Default::default()
    };
    let waited = house.client.wait_release(request).await.unwrap().into_inner();
    let there = waited.release.unwrap();
    assert_eq!((waited.reached, there.state()), (true, State::RollingOut));
    assert_eq!(super::wait::code_of(&there, "development"), "NEEDS_OPERATOR");
}
