//! The rules for every call.

use bellwether_proto::executor::v1 as pb;
use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{FieldViolation, StatusExt as _};

use super::house::{House, SHOP, TARGET, canary, direct, fleet, spec, start};

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

fn fields(status: &Status) -> Vec<FieldViolation> {
    status.get_error_details().bad_request().map(|it| it.field_violations.clone()).unwrap_or_default()
}

#[tokio::test]
async fn c01_the_same_request_id_twice_across_a_restart_is_the_same_rollout() {
    let mut house = House::passing().await;
    house.target(2).await;
    let request = pb::StartRolloutRequest { request_id: "release-7".into(), ..canary("1") };
    let first = house.rollout(request.clone()).await;
    assert_eq!(house.rollout(request.clone()).await, first);
    house.ended(&first.name).await;
    let mut house = house.restart().await;
    assert_eq!(house.rollout(request).await, first, "the first answer, word for word");
    assert_eq!(house.get_target().await.last_rollout_number, 1);
}

#[tokio::test]
async fn c02_the_same_request_id_with_another_payload_is_refused() {
    let mut house = House::passing().await;
    house.target(2).await;
    let request = pb::StartRolloutRequest { request_id: "release-7".into(), ..canary("1") };
    house.rollout(request.clone()).await;
    let other = pb::StartRolloutRequest { spec: Some(spec("2")), ..request };
    let status = house.client.start_rollout(other).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::AlreadyExists, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn c03_a_stale_etag_is_aborted() {
    let mut house = House::silent().await;
    house.target(2).await;
    let rollout = house.rollout(canary("1")).await;
    let etag = rollout.metadata.unwrap().etag;
    let pause =
        pb::PauseRolloutRequest { name: rollout.name, reason: "lunch".into(), etag, ..Default::default() };
    house.client.pause_rollout(pause.clone()).await.map(drop).unwrap_or_default();
    let status =
        house.client.pause_rollout(pb::PauseRolloutRequest { after_step: true, ..pause }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
}

#[tokio::test]
async fn c04_an_unknown_enum_value_is_an_invalid_argument() {
    let mut house = House::passing().await;
    house.target(2).await;
    let strategy = pb::Strategy { kind: 99, ..pb::Strategy::default() };
    let policy = pb::RolloutPolicy { on_fail: -3, ..pb::RolloutPolicy::default() };
    let request = pb::StartRolloutRequest { policy: Some(policy), ..start("1", strategy) };
    let status = house.client.start_rollout(request).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let found: Vec<_> = fields(&status).into_iter().map(|it| it.field).collect();
    assert_eq!(found, ["strategy.kind", "policy.on_fail"]);
}

#[tokio::test]
async fn c05_a_page_token_of_another_query_is_refused_and_pages_join() {
    let mut house = House::passing().await;
    house.stable(1).await;
    for version in ["2", "3", "4"] {
        let rollout = house.rollout(direct(version)).await;
        house.ended(&rollout.name).await;
    }
    let mut request = pb::ListRolloutsRequest { page_size: 3, ..Default::default() };
    let first = house.client.list_rollouts(request.clone()).await.unwrap().into_inner();
    request.page_token.clone_from(&first.next_page_token);
    let second = house.client.list_rollouts(request.clone()).await.unwrap().into_inner();
    assert!(second.next_page_token.is_empty());
    let names = first.rollouts.iter().chain(&second.rollouts).map(|it| it.display_name.as_str());
    let expected = (1..=4).rev().map(|number| format!("{SHOP}-{number}"));
    assert!(names.eq(expected), "the newest first, each once");
    request.filter = format!("target = {TARGET:?}");
    let status = house.client.list_rollouts(request).await.unwrap_err();
    assert_eq!((status.code(), fields(&status)[0].field.as_str()), (Code::InvalidArgument, "page_token"));
}

#[tokio::test]
async fn c06_every_call_with_an_empty_request_has_a_proper_answer() {
    let mut house = House::passing().await;
    house.stable(1).await;
    let client = &mut house.client;
    let mut answers: Vec<(&str, Code)> = Vec::new();
    macro_rules! empty {
        ($($method:ident),*) => {$(
            let answer = client.$method(tonic::Request::new(Default::default())).await;
            answers.push((stringify!($method), answer.err().map_or(Code::Ok, |status| status.code())));
        )*};
    }
    empty!(
        apply_target,
        get_target,
        list_targets,
        delete_target,
        watch_targets,
        start_rollout,
        renew_permit,
        get_rollout,
        list_rollouts,
        watch_rollouts,
        pause_rollout,
        resume_rollout,
        advance_rollout,
        abort_rollout,
        rollback_rollout,
        resolve_gate,
        resolve_interruption,
        hand_back
    );
    for (method, code) in answers {
        let reads = method.starts_with("list_") || method.starts_with("watch_");
        assert_eq!(code, if reads { Code::Ok } else { Code::InvalidArgument }, "{method}");
    }
}

#[tokio::test]
async fn c07_a_request_of_5_mib_is_refused_and_the_connection_lives() {
    let mut house = House::passing().await;
    house.target(1).await;
    let mut request = canary("1");
    request.spec.as_mut().unwrap().env.insert("BIG".into(), "x".repeat(5 << 20));
    assert!(request.encoded_len() > 5 << 20);
    let status = house.client.start_rollout(request).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert_eq!(house.get_target().await.name, TARGET);
}

#[tokio::test]
async fn c08_validate_only_fails_exactly_when_the_real_call_would() {
    let mut house = House::passing().await;
    house.target(2).await;
    let unknown = pb::StartRolloutRequest { target: "targets/none@production".into(), ..canary("1") };
    let falling = pb::Strategy { weights_percent: vec![50.0, 10.0, 100.0], ..pb::Strategy::default() };
    for request in [unknown, start("1", falling), canary("")] {
        let rehearsed = pb::StartRolloutRequest { validate_only: true, ..request.clone() };
        let rehearsed = house.client.start_rollout(rehearsed).await.unwrap_err();
        let real = house.client.start_rollout(request).await.unwrap_err();
        assert_eq!((rehearsed.code(), rehearsed.message()), (real.code(), real.message()));
    }
    let rehearsed = pb::StartRolloutRequest { validate_only: true, ..canary("1") };
    let shown = house.rollout(rehearsed).await;
    assert!(!shown.steps.is_empty(), "it shows what it would do");
    assert_eq!(house.get_target().await.last_rollout_number, 0, "nothing was started");
    house.rollout(canary("1")).await;
}

#[tokio::test]
async fn r38_an_invalid_plan_is_refused_with_every_violation() {
    let mut house = House::passing().await;
    house.target(2).await;
    let strategy = pb::Strategy {
        weights_percent: vec![50.0, 10.0],
        batch: 2,
        mirror_percent: 120.0,
        ..pb::Strategy::default()
    };
    let request = pb::StartRolloutRequest {
        release: "releases/x".into(),
        labels: [("Bad Key".to_owned(), String::new())].into(),
        ..start("", strategy)
    };
    let status = house.client.start_rollout(request).await.unwrap_err();
    let found: Vec<_> = fields(&status).into_iter().map(|it| it.field).collect();
    let expected = [
        "release",
        "labels",
        "spec.version",
        "strategy.batch",
        "strategy.weights_percent[1]",
        "strategy.weights_percent",
        "strategy.mirror_percent",
    ];
    assert_eq!(found, expected);
    assert_eq!(reason(&status), "INVALID_FIELDS");
}

#[tokio::test]
async fn r38_a_plan_that_the_platform_cannot_carry_out_is_refused() {
    let mut house = House::passing().await;
    house.stable(2).await;
    house.hands().capabilities(bellwether_platform::Capabilities {
        confirm: true,
        surge: true,
        drain: true,
        fenced: true,
        ..Default::default()
    });
    let mut request = canary("2");
    request.strategy.as_mut().unwrap().sticky = true;
    let status = house.client.start_rollout(request).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "MISSING_CAPABILITY"));
    let details = status.get_error_details();
    let missing: Vec<_> =
        details.precondition_failure().unwrap().violations.iter().map(|it| it.subject.as_str()).collect();
    assert_eq!(missing, ["capabilities/weights", "capabilities/affinity"]);
    house.rollout(direct("2")).await;
}

#[tokio::test]
async fn rollouts_are_found_by_id_and_by_number_also_when_their_target_has_forgotten_them() {
    let mut house = House::passing().await;
    let first = house.stable(1).await;
    for version in 2..=23 {
        let rollout = house.rollout(direct(&version.to_string())).await;
        house.ended(&rollout.name).await;
    }
    let mut house = house.restart().await;
    let found = house.get(&format!("{SHOP}-1")).await;
    assert_eq!((&found.name, found.state()), (&first.name, first.state()));
    assert_eq!(house.get(&first.name).await.previous_fleet, "");
    let all = house.client.list_rollouts(pb::ListRolloutsRequest { page_size: 1000, ..Default::default() });
    assert_eq!(all.await.unwrap().into_inner().rollouts.len(), 23);
    let abort = pb::AbortRolloutRequest { name: first.name, reason: "late".into(), ..Default::default() };
    assert_eq!(house.client.abort_rollout(abort).await.unwrap_err().code(), Code::FailedPrecondition);
    let missing = pb::GetRolloutRequest { name: format!("{SHOP}-99") };
    assert_eq!(house.client.get_rollout(missing).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_deleted_target_is_drained_and_removed() {
    let mut house = House::passing().await;
    let rollout = house.stable(2).await;
    let delete =
        pb::DeleteTargetRequest { name: TARGET.into(), reason: "moved".into(), ..Default::default() };
    house.client.delete_target(delete).await.unwrap();
    let limit = std::time::Duration::from_secs(10);
    let (old, hands) = (fleet(&rollout), house.hands());
    let gone = hands.eventually(SHOP, limit, |hands| {
        hands.instances(SHOP, old).is_empty() && hands.split(SHOP).shares.is_empty()
    });
    assert!(gone.await);
    let get = house.client.get_target(pb::GetTargetRequest { name: TARGET.into() }).await;
    assert_eq!(get.unwrap_err().code(), Code::NotFound);
}
