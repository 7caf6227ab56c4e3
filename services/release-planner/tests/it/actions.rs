//! What is offered is accepted, in every state.

use bellwether_proto::{
    executor::v1::FailureAction,
    monitor::v1::Decision,
    planner::v1::{self as pb, release_environment::State as Stage},
};
use pb::release::State;

use super::{
    files::{environment, millis, shop},
    house::House,
    wait::{code_of, stage},
};

/// Where a release stands.
#[derive(Clone, Copy, Debug)]
enum Place {
    ForApproval,
    ForPromotion,
    AtWork,
    Paused,
    Recovering,
    ForOperator,
    LiveAsFirst,
    LiveAsSecond,
    Soaking,
    Replaced,
    RolledBack,
    RolledBackAndVetoed,
    Rejected,
    Cancelled,
}

const PLACES: [(Place, &[&str]); 14] = [
    (Place::ForApproval, &["ApproveRelease", "CancelRelease", "RejectRelease"]),
    (Place::ForPromotion, &["CancelRelease", "PromoteRelease"]),
    (Place::AtWork, &["AbortRelease", "PauseRelease"]),
    (Place::Paused, &["AbortRelease", "ResumeRelease"]),
    (Place::Recovering, &[]),
    (Place::ForOperator, &["AbortRelease", "PauseRelease"]),
    (Place::LiveAsFirst, &[]),
    (Place::LiveAsSecond, &["RollbackRelease"]),
    (Place::Soaking, &["CancelRelease", "RollbackRelease"]),
    (Place::Replaced, &["PromoteRelease"]),
    (Place::RolledBack, &["PromoteRelease"]),
    (Place::RolledBackAndVetoed, &[]),
    (Place::Rejected, &[]),
    (Place::Cancelled, &[]),
];

/// The short names of what is offered, sorted.
fn offered(release: &pb::Release) -> Vec<String> {
    let mut methods: Vec<_> = release
        .allowed_actions
        .iter()
        .map(|action| action.method.rsplit('/').next().unwrap().to_owned())
        .collect();
    methods.sort_unstable();
    methods
}

async fn gated(house: &mut House) {
    let mut gated = environment("development", None, 0);
    gated.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), ..Default::default() }];
    house.apply_environment(gated).await;
}

/// The second release of a house where 1 serves; the monitor has `decision` for it.
async fn second(house: &mut House, decision: Option<Decision>) -> String {
    house.line(&["development"], 0).await;
    let first = house.submit("1").await.name;
    house.in_state(&first, State::Completed).await;
    house.world.monitor.decide(decision);
    house.submit("2").await.name
}

/// A house with a release that stands there.
async fn reach(place: Place) -> (House, String) {
    let mut house = House::passing().await;
    let mut application = shop(&[("development", 1)]);
    let policy = application.defaults.as_mut().unwrap().policy.as_mut().unwrap();
    policy.recovery_max = Some(millis(if matches!(place, Place::Recovering) { 600_000 } else { 1_000 }));
    if matches!(place, Place::ForOperator) {
        policy.set_on_fail(FailureAction::Stay);
    }
    house.apply(application).await;
    if matches!(place, Place::Recovering) {
        house.world.monitor.keep_recovering();
    }
    let name = match place {
        Place::ForApproval | Place::Rejected | Place::Cancelled => {
            gated(&mut house).await;
            let name = house.submit("1").await.name;
            house.because(&name, "development", "APPROVAL").await;
            name
        }
        Place::ForPromotion => {
            let mut manual = environment("development", None, 0);
            manual.upstreams = vec!["staging".into()];
            manual.set_promotion(pb::environment::PromotionMode::Manual);
            house.apply_environment(environment("staging", None, 0)).await;
            house.apply_environment(environment("production", None, 0)).await;
            house.apply_environment(manual).await;
            house.apply(shop(&[("development", 1), ("staging", 1)])).await;
            let name = house.submit("1").await.name;
            house.in_stage(&name, "staging", Stage::Completed).await;
            house.because(&name, "development", "PROMOTION_MANUAL").await;
            name
        }
        Place::LiveAsFirst => {
            house.line(&["development"], 0).await;
            let name = house.submit("1").await.name;
            house.in_state(&name, State::Completed).await;
            name
        }
        Place::Soaking => {
            house.line(&["development", "staging"], 600_000).await;
            house.apply(shop(&[("development", 1), ("staging", 1)])).await;
            let first = house.submit("1").await.name;
            house.in_stage(&first, "development", Stage::Soaking).await;
            let name = house.submit("2").await.name;
            house.in_stage(&name, "development", Stage::Soaking).await;
            name
        }
        Place::Replaced => {
            let second = second(&mut house, Some(Decision::Pass)).await;
            house.in_state(&second, State::Completed).await;
            let request = pb::ListReleasesRequest { filter: "version = 1".into(), ..Default::default() };
            let found = house.client.list_releases(request).await.unwrap().into_inner().releases;
            let name = found[0].name.clone();
            house.until(&name, |release| stage(release, "development").live_since.is_none()).await;
            name
        }
        Place::LiveAsSecond => second(&mut house, Some(Decision::Pass)).await,
        Place::AtWork | Place::Paused => second(&mut house, None).await,
        Place::Recovering | Place::RolledBack | Place::RolledBackAndVetoed | Place::ForOperator => {
            second(&mut house, Some(Decision::Fail)).await
        }
    };
    settle(&mut house, place, &name).await;
    (house, name)
}

/// The last step there.
async fn settle(house: &mut House, place: Place, name: &str) {
    match place {
        Place::LiveAsSecond => drop(house.in_state(name, State::Completed).await),
        Place::AtWork | Place::Paused => {
            house.until(name, |release| !stage(release, "development").rollout.is_empty()).await;
            if matches!(place, Place::Paused) {
                act(house, "PauseRelease", name).await.unwrap();
            }
        }
        Place::Recovering => {
            drop(house.until(name, |release| code_of(release, "development") == "VERDICT_FAIL").await)
        }
        Place::RolledBack => drop(house.in_state(name, State::RolledBack).await),
        Place::RolledBackAndVetoed => {
            house.in_state(name, State::RolledBack).await;
            let request = pb::VetoVersionRequest {
                application: "shop".into(),
                version: "2".into(),
                reason: "never".into(),
                ..Default::default()
            };
            house.client.veto_version(request).await.unwrap();
        }
        Place::ForOperator => drop(house.because(name, "development", "NEEDS_OPERATOR").await),
        Place::Rejected => act(house, "RejectRelease", name).await.unwrap(),
        Place::Cancelled => act(house, "CancelRelease", name).await.unwrap(),
        Place::ForApproval | Place::ForPromotion | Place::LiveAsFirst | Place::Soaking | Place::Replaced => {}
    }
}

/// Does what is offered, as it is offered.
async fn act(house: &mut House, method: &str, name: &str) -> Result<(), tonic::Status> {
    let etag = house.release(name).await.metadata.unwrap().etag;
    macro_rules! call {
        ($method:ident, $request:ident) => {{
            let request = pb::$request {
                name: name.into(),
                environment: "development".into(),
                reason: "because".into(),
                etag,
                ..Default::default()
            };
            house.client.$method(request).await.map(drop)
        }};
    }
    match method {
        "ApproveRelease" => call!(approve_release, ApproveReleaseRequest),
        "RejectRelease" => call!(reject_release, RejectReleaseRequest),
        "PromoteRelease" => call!(promote_release, PromoteReleaseRequest),
        "PauseRelease" => call!(pause_release, PauseReleaseRequest),
        "ResumeRelease" => call!(resume_release, ResumeReleaseRequest),
        "AbortRelease" => call!(abort_release, AbortReleaseRequest),
        "RollbackRelease" => call!(rollback_release, RollbackReleaseRequest),
        "CancelRelease" => {
            let request =
                pb::CancelReleaseRequest { name: name.into(), reason: "no".into(), ..Default::default() };
            house.client.cancel_release(request).await.map(drop)
        }
        other => panic!("{other} is offered and nobody knows it"),
    }
}

#[tokio::test]
async fn in_every_state_exactly_what_is_accepted_is_offered() {
    for (place, expected) in PLACES {
        for method in expected.iter().copied().map(Some).chain([None]) {
            let (mut house, name) = reach(place).await;
            let wanted = |release: &pb::Release| offered(release) == expected;
            let seen = house.release(&name).await;
            assert!(
                wanted(&seen)
                    || tokio::time::timeout(std::time::Duration::from_secs(10), house.until(&name, wanted))
                        .await
                        .is_ok(),
                "{place:?}: {:?} are offered, not {expected:?}",
                offered(&house.release(&name).await)
            );
            if let Some(method) = method {
                let answer = act(&mut house, method, &name).await;
                assert!(answer.is_ok(), "{place:?}: {method} was offered: {answer:?}");
            }
        }
    }
}
