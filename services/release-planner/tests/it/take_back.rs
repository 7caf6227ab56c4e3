//! Pausing, aborting, rolling back.

use bellwether_proto::{monitor::v1::Decision, planner::v1 as pb};
use pb::{hold::Cause, release::State, release_environment::State as Stage};
use tonic::Code;

use super::{
    files::shop,
    house::House,
    wait::{code_of, refusal, stage, unmet},
};

#[tokio::test]
async fn abort_takes_a_release_in_flight_back() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 2)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    house.world.monitor.decide(None);
    let second = house.submit("2").await;
    house.until(&second.name, |release| !stage(release, "development").rollout.is_empty()).await;
    let request = pb::AbortReleaseRequest {
        request_id: "abort-1".into(),
        name: second.name.clone(),
        reason: "wrong version".into(),
        ..Default::default()
    };
    house.client.abort_release(request.clone()).await.unwrap();
    house.client.abort_release(request).await.unwrap();
    let back = house.until(&second.name, |release| release.end_time.is_some()).await;
    assert!([State::RolledBack, State::Cancelled].contains(&back.state()), "{:?}", back.state());
    assert!(stage(&house.release(&first.name).await, "development").live_since.is_some());
}

#[tokio::test]
async fn pause_and_resume_reach_the_rollout() {
    let mut house = House::new(None).await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let release = house.submit("1").await;
    let started =
        house.until(&release.name, |release| !stage(release, "development").rollout.is_empty()).await;
    let request =
        pb::PauseReleaseRequest { name: release.name.clone(), reason: "lunch".into(), ..Default::default() };
    house.client.pause_release(request).await.unwrap();
    let rollout = bellwether_proto::executor::v1::GetRolloutRequest {
        name: stage(&started, "development").rollout.clone(),
    };
    let paused = house.executor.get_rollout(rollout).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(paused.pauses[0].reason, "lunch");
    house.world.monitor.decide(Some(Decision::Pass));
    let request =
        pb::ResumeReleaseRequest { name: release.name.clone(), reason: "back".into(), ..Default::default() };
    house.client.resume_release(request).await.unwrap();
    house.in_state(&release.name, State::Completed).await;
}

#[tokio::test]
async fn what_has_no_rollout_cannot_be_aborted() {
    let mut house = House::passing().await;
    house.apply(shop(&[("production", 1)])).await;
    let release = house.submit("1").await;
    let request =
        pb::AbortReleaseRequest { name: release.name.clone(), reason: "no".into(), ..Default::default() };
    let status = house.client.abort_release(request).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::FailedPrecondition, "NO_ROLLOUT"));
    let request =
        pb::CancelReleaseRequest { name: release.name.clone(), reason: "no".into(), ..Default::default() };
    let cancelled = house.client.cancel_release(request).await.unwrap().into_inner().release.unwrap();
    assert_eq!(cancelled.state(), State::Cancelled);
}

#[tokio::test]
async fn g12_a_rollback_by_hand_holds_automatic_promotion_until_somebody_promotes() {
    let mut house = House::passing().await;
    house.line(&["development", "staging"], 0).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    let second = house.submit("2").await;
    house.in_state(&second.name, State::Completed).await;
    house.until(&first.name, |release| stage(release, "staging").live_since.is_none()).await;

    let request = pb::RollbackReleaseRequest {
        name: second.name.clone(),
        environment: "staging".into(),
        reason: "customers complain".into(),
        ..Default::default()
    };
    house.client.rollback_release(request).await.unwrap();
    let back = house.in_stage(&second.name, "staging", Stage::RolledBack).await;
    assert_eq!(code_of(&back, "staging"), "ROLLED_BACK_BY_HAND");
    house.until(&first.name, |release| stage(release, "staging").live_since.is_some()).await;
    let holds = house.client.list_holds(pb::ListHoldsRequest::default()).await.unwrap().into_inner().holds;
    assert_eq!(holds.iter().map(pb::Hold::cause).collect::<Vec<_>>(), [Cause::ManualRollback]);

    let third = house.submit("3").await;
    house.until(&third.name, |release| unmet(release, "staging") == ["HELD_AFTER_ROLLBACK"]).await;
    house.promote(&third.name, "staging").await.unwrap();
    house.in_state(&third.name, State::Completed).await;
    let fourth = house.submit("4").await;
    house.in_state(&fourth.name, State::Completed).await;
}

#[tokio::test]
async fn the_same_failed_version_is_not_promoted_again_by_itself() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.line(&["staging"], 0).await;
    house.apply(shop(&[("staging", 1)])).await;
    house.world.monitor.decide(Some(Decision::Fail));
    let failed = house.submit("1").await;
    house.in_state(&failed.name, State::RolledBack).await;
    house.world.monitor.decide(Some(Decision::Pass));
    house.line(&["development", "staging"], 0).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let again = house.submit("1").await;
    house.until(&again.name, |release| unmet(release, "staging") == ["FAILED_HERE"]).await;
    house.promote(&again.name, "staging").await.unwrap();
    house.in_state(&again.name, State::Completed).await;
}

#[tokio::test]
async fn r36_the_same_again_changes_nothing_and_is_what_serves() {
    let mut house = House::passing().await;
    house.line(&["development", "staging"], 300).await;
    house.apply(shop(&[("development", 1), ("staging", 1)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    let again = house.submit("1").await;
    let done = house.in_state(&again.name, State::Completed).await;
    assert_eq!(code_of(&done, "staging"), "UNCHANGED");
    assert!(stage(&done, "development").live_since.is_some());
    let former = house.until(&first.name, |release| stage(release, "staging").live_since.is_none()).await;
    assert!(stage(&former, "development").live_since.is_none());
}
