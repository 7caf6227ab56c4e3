//! Bakes that were asked for at each share.

use bellwether_proto::{
    executor::v1::{self as executor, strategy::Kind},
    planner::v1 as pb,
};
use bellwether_resource::time;
use pb::{planned_bake::Basis, release::State};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    files::{bundle, millis, shop, submission},
    house::House,
    wait::{refusal, stage},
};

fn bake(min: u64, max: u64) -> executor::Bake {
    executor::Bake { min: Some(millis(min)), max: Some(millis(max)), ..Default::default() }
}

/// Of a release: a canary at 10, 50, and the 100 that is appended.
fn canary(bakes: Vec<executor::Bake>) -> executor::Strategy {
    executor::Strategy {
        kind: Kind::Canary.into(),
        weights_percent: vec![10.0, 50.0],
        bakes,
        ..Default::default()
    }
}

fn asking(version: &str, strategy: executor::Strategy) -> pb::SubmitReleaseRequest {
    let bundle = pb::Bundle { strategy: Some(strategy), ..bundle(version) };
    pb::SubmitReleaseRequest { bundle: Some(bundle), ..submission(version) }
}

/// A house where 1 serves in an environment whose bakes the planner chooses.
async fn serving() -> House {
    let mut house = House::passing().await;
    house.with_statistics().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 2)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    house
}

/// The lengths in milliseconds, and whether anybody judges.
fn lengths(bake: &executor::Bake) -> (u128, u128, bool) {
    let of = |span: &Option<bellwether_proto::Duration>| {
        span.as_ref().and_then(time::span).unwrap_or_default().as_millis()
    };
    (of(&bake.min), of(&bake.max), bake.no_checks)
}

#[tokio::test]
async fn stated_lengths_win_and_are_carried_out() {
    let mut house = serving().await;
    let unjudged = executor::Bake { no_checks: true, ..bake(20, 50_000) };
    let request = asking("2", canary(vec![bake(10, 40_000), unjudged, bake(30, 60_000)]));
    let answer = house.client.submit_release(request).await.unwrap().into_inner();
    let (release, plan) = (answer.release.unwrap(), answer.plan.unwrap());
    let part = &plan.environments[0];
    let planned: Vec<_> = part.bakes.iter().map(|it| (it.share_percent, it.basis(), it.max)).collect();
    let stated = |share, max| (share, Basis::AskedFor, Some(millis(max)));
    assert_eq!(planned, [stated(10.0, 40_000), stated(50.0, 50_000), stated(100.0, 60_000)]);

    let done = house.in_state(&release.name, State::Completed).await;
    let name = stage(&done, "development").rollout.clone();
    let request = executor::GetRolloutRequest { name };
    let rollout = house.executor.get_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    let strategy = rollout.strategy.unwrap();
    assert_eq!(Some(&strategy), part.strategy.as_ref(), "what the plan shows");
    let carried_out: Vec<_> = strategy.bakes.iter().chain(&strategy.final_bake).map(lengths).collect();
    assert_eq!(carried_out, [(10, 40_000, false), (20, 50_000, true), (30, 60_000, false)]);
}

#[tokio::test]
async fn shares_without_a_bake_of_their_own_have_the_usual_one() {
    let mut house = serving().await;
    let alone = executor::Bake { max: Some(millis(5)), ..Default::default() };
    let mut strategy = canary(vec![alone]);
    (strategy.bake, strategy.final_bake) = (Some(bake(20, 50_000)), Some(bake(30, 60_000)));
    strategy.bake.as_mut().unwrap().min = None;
    let request = pb::SubmitReleaseRequest { validate_only: true, ..asking("2", strategy) };
    let plan = house.client.submit_release(request).await.unwrap().into_inner().plan.unwrap();
    let planned = &plan.environments[0].strategy.as_ref().unwrap();
    let (first, second) = (lengths(&planned.bakes[0]), lengths(&planned.bakes[1]));
    assert_eq!((first.0, first.1), (5, 5), "what is planned gives way to what is stated");
    assert!(second.0 > 5 && second.1 == 50_000, "{second:?}");
    assert_eq!(planned.final_bake.as_ref().map(lengths), Some((30, 60_000, false)));
}

#[tokio::test]
async fn every_violation_of_bakes_is_told_at_once() {
    let mut house = House::passing().await;
    let week = 7 * 24 * 60 * 60 * 1000;
    let wrong = vec![bake(2, 1), bake(0, week + 1), bake(week + 1, week), bake(0, 1)];
    let mut application = shop(&[("development", 1)]);
    application.defaults.as_mut().unwrap().strategy = Some(canary(wrong.clone()));
    let request = pb::ApplyApplicationRequest { application: Some(application), ..Default::default() };
    let paths = |status: &tonic::Status, under: &str| -> Vec<String> {
        assert_eq!((status.code(), refusal(status).as_str()), (Code::InvalidArgument, "INVALID_FIELDS"));
        let found = status.get_error_details().bad_request().unwrap().field_violations.clone();
        found.iter().map(|it| it.field.strip_prefix(under).unwrap().to_owned()).collect()
    };
    let expected = ["bakes", "bakes[0].max", "bakes[1].max", "bakes[2].min"];
    let status = house.client.apply_application(request).await.unwrap_err();
    assert_eq!(paths(&status, "application.defaults.strategy."), expected);
    let status = house.client.submit_release(asking("1", canary(wrong))).await.unwrap_err();
    assert_eq!(paths(&status, "bundle.strategy."), expected);

    for kind in [Kind::Unspecified, Kind::BlueGreen, Kind::Rolling] {
        let other = executor::Strategy { kind: kind.into(), ..canary(vec![bake(0, 1)]) };
        let status = house.client.submit_release(asking("1", other)).await.unwrap_err();
        assert_eq!(paths(&status, "bundle.strategy."), ["bakes"], "{kind:?}");
    }
    let shareless = executor::Strategy { weights_percent: Vec::new(), ..canary(vec![bake(0, 1)]) };
    let status = house.client.submit_release(asking("1", shareless)).await.unwrap_err();
    assert!(status.message().contains("weights_percent"), "{}", status.message());
}
