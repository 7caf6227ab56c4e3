//! Who must approve.

use bellwether_proto::planner::v1 as pb;
use pb::{release::State, release_environment::State as Stage};
use tonic::Code;

use super::{
    files::{environment, shop, submission},
    house::House,
    wait::{refusal, stage, unmet},
};

/// Production, which releases enter and which asks for these many people.
async fn asking(count: i32) -> House {
    let mut house = House::passing().await;
    let mut production = environment("production", None, 0);
    production.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), count, ..Default::default() }];
    house.apply_environment(production).await;
    house.apply(shop(&[("production", 1)])).await;
    house
}

/// Handed in by alice.
async fn submitted(house: &mut House) -> pb::Release {
    let answer = house.as_person("alice").submit_release(submission("1")).await.unwrap();
    let release = answer.into_inner().release.unwrap();
    house.because(&release.name, "production", "APPROVAL").await
}

#[tokio::test]
async fn g05_the_requester_may_not_approve() {
    let mut house = asking(1).await;
    let release = submitted(&mut house).await;
    let status = house.approve("alice", &release.name, "production").await.unwrap_err();
    assert_eq!(
        (status.code(), refusal(&status).as_str()),
        (Code::PermissionDenied, "APPROVAL_DOES_NOT_COUNT")
    );
    let status = house.approve("local", &release.name, "production").await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied, "local is no distinct person");
    house.approve("bob", &release.name, "production").await.unwrap();
    let done = house.in_state(&release.name, State::Completed).await;
    assert_eq!(stage(&done, "production").approvals[0].principal.as_ref().unwrap().id, "bob");
}

#[tokio::test]
async fn g06_two_approvals_by_one_person_count_once() {
    let mut house = asking(2).await;
    let release = submitted(&mut house).await;
    house.approve("bob", &release.name, "production").await.unwrap();
    house.approve("bob", &release.name, "production").await.unwrap();
    assert_eq!(unmet(&house.release(&release.name).await, "production"), ["APPROVAL"]);
    house.approve("carol", &release.name, "production").await.unwrap();
    house.in_state(&release.name, State::Completed).await;
}

#[tokio::test]
async fn g04_a_change_of_the_application_voids_approvals() {
    let mut house = asking(2).await;
    let release = submitted(&mut house).await;
    house.approve("bob", &release.name, "production").await.unwrap();
    let mut changed = shop(&[("production", 1)]);
    changed.defaults.as_mut().unwrap().env.insert("FEATURE".into(), "on".into());
    house.apply(changed).await;
    let anew = house.until(&release.name, |now| now.plan_digest != release.plan_digest).await;
    assert!(stage(&anew, "production").approvals.is_empty());
    house.approve("carol", &release.name, "production").await.unwrap();
    assert_eq!(unmet(&house.release(&release.name).await, "production"), ["APPROVAL"]);
    house.approve("bob", &release.name, "production").await.unwrap();
    house.in_state(&release.name, State::Completed).await;
}

#[tokio::test]
async fn on_a_machine_without_tokens_four_eyes_are_not_enforced() {
    let mut house = asking(2).await;
    let release = house.submit("1").await;
    house.because(&release.name, "production", "APPROVAL").await;
    house.approve("local", &release.name, "production").await.unwrap();
    house.in_state(&release.name, State::Completed).await;
    let request =
        pb::ExplainAdmissionRequest { name: release.name.clone(), environment: "production".into() };
    let explained = house.client.explain_admission(request).await.unwrap().into_inner();
    let rule =
        explained.conditions.iter().find(|condition| condition.code == "FOUR_EYES_NOT_ENFORCED").unwrap();
    assert_eq!(rule.state(), pb::condition::State::NotEnforced);
}

#[tokio::test]
async fn c03_approving_needs_the_present_etag() {
    let mut house = asking(1).await;
    let release = submitted(&mut house).await;
    let request = |etag: &str| pb::ApproveReleaseRequest {
        name: release.name.clone(),
        environment: "production".into(),
        reason: "fine".into(),
        etag: etag.into(),
        ..Default::default()
    };
    let mut bob = house.as_person("bob");
    let status = bob.approve_release(request("")).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::InvalidArgument, "ETAG_REQUIRED"));
    let status = bob.approve_release(request("0011223344556677")).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(stage(&house.release(&release.name).await, "production").state(), Stage::Waiting);
}

#[tokio::test]
async fn one_rejection_ends_it_everywhere() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1), ("staging", 1), ("production", 1)])).await;
    let mut gated = environment("development", None, 0);
    gated.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), ..Default::default() }];
    house.apply_environment(gated).await;
    let release = house.submit("1").await;
    let release = house.because(&release.name, "development", "APPROVAL").await;
    let request = pb::RejectReleaseRequest {
        name: release.name.clone(),
        environment: "development".into(),
        reason: "not today".into(),
        etag: house.release(&release.name).await.metadata.unwrap().etag,
        ..Default::default()
    };
    let rejected = house.client.reject_release(request).await.unwrap().into_inner().release.unwrap();
    assert_eq!(rejected.state(), State::Rejected);
    let states: Vec<_> = rejected.environments.iter().map(pb::ReleaseEnvironment::state).collect();
    assert_eq!(states, [Stage::Rejected, Stage::Cancelled, Stage::Cancelled]);
    let status = house.approve("local", &release.name, "development").await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn x06_of_two_approvals_at_once_one_is_recorded_and_the_other_is_told_to_look_again() {
    let mut house = asking(2).await;
    let release = submitted(&mut house).await;
    let request = |request_id: &str| pb::ApproveReleaseRequest {
        request_id: request_id.into(),
        name: release.name.clone(),
        environment: "production".into(),
        reason: "fine".into(),
        etag: release.metadata.clone().unwrap().etag,
    };
    let (mut bob, mut carol) = (house.as_person("bob"), house.as_person("carol"));
    let answers = tokio::join!(bob.approve_release(request("1")), carol.approve_release(request("2")));
    let (later, status) = match answers {
        (Ok(_), Err(status)) => ("carol", status),
        (Err(status), Ok(_)) => ("bob", status),
        both => panic!("one of them, exactly: {both:?}"),
    };
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    assert_eq!(unmet(&house.release(&release.name).await, "production"), ["APPROVAL"]);
    house.approve(later, &release.name, "production").await.unwrap();
    let done = house.in_state(&release.name, State::Completed).await;
    let people =
        stage(&done, "production").approvals.iter().map(|it| it.principal.as_ref().unwrap().id.as_str());
    assert_eq!(people.collect::<std::collections::BTreeSet<_>>(), ["bob", "carol"].into());
}

#[tokio::test]
async fn an_approval_changes_what_the_next_one_is_given_on() {
    let mut house = asking(2).await;
    let release = submitted(&mut house).await;
    let approved = house.approve("bob", &release.name, "production").await.unwrap();
    let etag = |release: &pb::Release| release.metadata.as_ref().unwrap().etag.clone();
    assert_ne!(etag(&approved), etag(&release));
    let stale = pb::RejectReleaseRequest {
        name: release.name.clone(),
        environment: "production".into(),
        reason: "no".into(),
        etag: etag(&release),
        ..Default::default()
    };
    let status = house.as_person("carol").reject_release(stale).await.unwrap_err();
    assert_eq!(refusal(&status), "ETAG_MISMATCH", "she has not seen that bob approved");
}
