//! The rules of every call.

use bellwether_proto::planner::v1 as pb;
use pb::{release::State, watch_releases_response::Message};
use tonic::Code;
use tonic_types::StatusExt as _;

use super::{
    files::{shop, submission},
    house::House,
    wait::refusal,
};

#[tokio::test]
async fn c01_the_same_request_twice_across_a_restart_is_one_release() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1)])).await;
    let request = pb::SubmitReleaseRequest { request_id: "one".into(), ..submission("1") };
    let first = house.client.submit_release(request.clone()).await.unwrap().into_inner();
    house.stop_planner().await;
    house.start_planner().await;
    let second = house.client.submit_release(request).await.unwrap().into_inner();
    assert_eq!(first, second);
    let releases = house.client.list_releases(pb::ListReleasesRequest::default()).await.unwrap().into_inner();
    assert_eq!(releases.releases.len(), 1);
}

#[tokio::test]
async fn c02_another_payload_under_the_same_id_is_refused() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1)])).await;
    let request = |version| pb::SubmitReleaseRequest { request_id: "one".into(), ..submission(version) };
    house.client.submit_release(request("1")).await.unwrap();
    let status = house.client.submit_release(request("2")).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn c04_an_unknown_value_of_an_enumeration_is_refused() {
    let mut house = House::passing().await;
    let mut application = shop(&[("development", 1)]);
    application.r#type = 99;
    let request = pb::ApplyApplicationRequest { application: Some(application), ..Default::default() };
    let status = house.client.apply_application(request).await.unwrap_err();
    assert_eq!(
        status.get_error_details().bad_request().unwrap().field_violations[0].field,
        "application.type"
    );
}

#[tokio::test]
async fn c05_a_page_token_of_another_query_is_refused() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1)])).await;
    for version in ["1", "2", "3"] {
        house.submit(version).await;
    }
    let request = pb::ListReleasesRequest { page_size: 2, ..Default::default() };
    let page = house.client.list_releases(request.clone()).await.unwrap().into_inner();
    let versions: Vec<_> =
        page.releases.iter().map(|r| r.bundle.as_ref().unwrap().version.as_str()).collect();
    assert_eq!(versions, ["3", "2"]);
    let next = pb::ListReleasesRequest { page_token: page.next_page_token.clone(), ..request.clone() };
    let rest = house.client.list_releases(next).await.unwrap().into_inner();
    assert_eq!((rest.releases.len(), rest.next_page_token.as_str()), (1, ""));
    let other =
        pb::ListReleasesRequest { page_token: page.next_page_token, filter: "team = x".into(), ..request };
    assert_eq!(house.client.list_releases(other).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn applying_is_idempotent_and_checked_before_it_changes_anything() {
    let mut house = House::passing().await;
    let first = house.apply(shop(&[("development", 1)])).await;
    let same = house
        .apply(pb::Application { name: "applications/shop".into(), ..shop(&[("development", 1)]) })
        .await;
    let etag = |application: &pb::Application| application.metadata.clone().unwrap().etag;
    assert_eq!(etag(&first), etag(&same), "nothing changed, and what the executor was told is no change");
    assert_eq!(
        pb::Application { metadata: None, ..first },
        pb::Application { metadata: None, ..same },
        "nothing changed"
    );
    let mut stale = shop(&[("development", 2)]);
    stale.metadata =
        Some(bellwether_proto::common::v1::Metadata { etag: "stale".into(), ..Default::default() });
    let request = pb::ApplyApplicationRequest { application: Some(stale), ..Default::default() };
    let status = house.client.apply_application(request).await.unwrap_err();
    assert_eq!(refusal(&status), "ETAG_MISMATCH");
    let unknown =
        pb::ApplyApplicationRequest { application: Some(shop(&[("nowhere", 1)])), ..Default::default() };
    let status = house.client.apply_application(unknown).await.unwrap_err();
    let violations = status.get_error_details().bad_request().unwrap().field_violations.clone();
    assert_eq!(violations[0].field, "application.environments.nowhere");
    assert!(violations[0].description.contains("development, production, staging"));
}

#[tokio::test]
async fn environments_that_wait_for_each_other_are_refused() {
    let mut house = House::passing().await;
    let mut development = super::files::environment("development", None, 0);
    development.upstreams = vec!["production".into()];
    let request = pb::ApplyEnvironmentRequest { environment: Some(development), ..Default::default() };
    let status = house.client.apply_environment(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("wait for each other"), "{}", status.message());
}

#[tokio::test]
async fn what_is_in_use_is_not_removed() {
    let mut house = House::passing().await;
    house.apply(shop(&[("development", 1)])).await;
    let request = pb::DeleteEnvironmentRequest {
        name: "environments/development".into(),
        reason: "tidy".into(),
        ..Default::default()
    };
    let status = house.client.delete_environment(request).await.unwrap_err();
    assert_eq!(refusal(&status), "IN_USE");
    let found = status.get_error_details().precondition_failure().unwrap().violations.clone();
    let subjects: Vec<_> = found.iter().map(|violation| violation.subject.as_str()).collect();
    assert_eq!(subjects, ["applications/shop", "environments/staging"]);
}

#[tokio::test]
async fn a_removed_application_takes_its_targets_along() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let release = house.submit("1").await;
    house.in_state(&release.name, State::Completed).await;
    let request =
        pb::DeleteApplicationRequest { name: "shop".into(), reason: "the end".into(), ..Default::default() };
    house.client.delete_application(request).await.unwrap();
    let request = pb::GetApplicationRequest { name: "shop".into() };
    assert_eq!(house.client.get_application(request).await.unwrap_err().code(), Code::NotFound);
    house.executor_target_gone("shop@development").await;
}

#[tokio::test]
async fn c06_every_call_with_an_empty_request_is_answered_properly() {
    let mut house = House::passing().await;
    macro_rules! empty {
        ($($method:ident: $request:ident),* $(,)?) => {$(
            let answer = house.client.$method(pb::$request::default()).await.map(drop);
            if let Err(status) = answer {
                assert_eq!(status.code(), Code::InvalidArgument, "{}: {status}", stringify!($method));
            }
        )*};
    }
    empty!(
        apply_application: ApplyApplicationRequest,
        get_application: GetApplicationRequest,
        list_applications: ListApplicationsRequest,
        delete_application: DeleteApplicationRequest,
        apply_environment: ApplyEnvironmentRequest,
        get_environment: GetEnvironmentRequest,
        list_environments: ListEnvironmentsRequest,
        delete_environment: DeleteEnvironmentRequest,
        submit_release: SubmitReleaseRequest,
        get_release: GetReleaseRequest,
        list_releases: ListReleasesRequest,
        watch_releases: WatchReleasesRequest,
        wait_release: WaitReleaseRequest,
        explain_admission: ExplainAdmissionRequest,
        approve_release: ApproveReleaseRequest,
        reject_release: RejectReleaseRequest,
        promote_release: PromoteReleaseRequest,
        pause_release: PauseReleaseRequest,
        resume_release: ResumeReleaseRequest,
        abort_release: AbortReleaseRequest,
        rollback_release: RollbackReleaseRequest,
        cancel_release: CancelReleaseRequest,
        hold_promotion: HoldPromotionRequest,
        release_hold: ReleaseHoldRequest,
        list_holds: ListHoldsRequest,
        veto_version: VetoVersionRequest,
    );
}

#[tokio::test]
async fn a_watch_resumes_after_its_token_across_a_restart() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let release = house.submit("1").await;
    let done = house.in_state(&release.name, State::Completed).await;
    let version = done.metadata.unwrap().version;
    let mut stream =
        house.client.watch_releases(pb::WatchReleasesRequest::default()).await.unwrap().into_inner();
    let token = loop {
        if let Message::Current(current) = stream.message().await.unwrap().unwrap().message.unwrap() {
            break current.resume_token;
        }
    };
    house.stop_planner().await;
    house.start_planner().await;
    let second = house.submit("2").await;
    let request = pb::WatchReleasesRequest { resume_token: token, ..Default::default() };
    let mut stream = house.client.watch_releases(request).await.unwrap().into_inner();
    let first = loop {
        if let Message::Changed(change) = stream.message().await.unwrap().unwrap().message.unwrap() {
            break change;
        }
    };
    assert_eq!(first.release.unwrap().name, second.name, "nothing of the first release is told again");
    assert_eq!(first.change.unwrap().fact, "RELEASE_SUBMITTED");
    assert_eq!(house.release(&release.name).await.metadata.unwrap().version, version);
}
