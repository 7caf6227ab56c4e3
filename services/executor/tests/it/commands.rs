//! What people and agents do to rollouts.

use bellwether_proto::{common::v1::command_record::Outcome, executor::v1 as pb, monitor::v1::Decision};
use pb::{pause::Owner, resolve_gate_request::Resolution, rollout::State};
use tonic::Code;

use super::{
    house::{House, SHOP, canary, fleet, span, start},
    wait::{at, reason, share},
};

fn abort(name: &str) -> pb::AbortRolloutRequest {
    pb::AbortRolloutRequest { name: name.into(), reason: "on a hunch".into(), ..Default::default() }
}

fn outcomes(rollout: &pb::Rollout) -> Vec<(&str, Outcome)> {
    rollout.commands.iter().map(|it| (it.method.as_str(), it.outcome())).collect()
}

#[tokio::test]
async fn r03_a_rollout_that_waits_for_an_approval_is_taken_back_too() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = house.rollout(gated("2")).await;
    let waiting = house.at(&rollout.name, "GATE", 50.0).await;
    assert_eq!(
        (waiting.waiting_on[0].kind.as_str(), waiting.waiting_on[0].who.as_str()),
        ("GATE", "approver")
    );
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Fail);
    assert_eq!(house.ended(&rollout.name).await.state(), State::RolledBack);
}

#[tokio::test]
async fn r41_a_rejected_gate_takes_the_rollout_back_and_an_approved_one_lets_it_go_on() {
    let mut house = House::silent().await;
    house.stable(2).await;
    for (version, resolution, end) in
        [("2", Resolution::Reject, State::RolledBack), ("3", Resolution::Approve, State::Succeeded)]
    {
        let rollout = house.rollout(gated(version)).await;
        house.at(&rollout.name, "GATE", 50.0).await;
        let answer = pb::ResolveGateRequest {
            name: rollout.name.clone(),
            gate: "sign-off".into(),
            resolution: resolution.into(),
            reason: "looked at it".into(),
            ..Default::default()
        };
        let blind = house.client.resolve_gate(answer.clone()).await.unwrap_err();
        assert_eq!(blind.code(), Code::InvalidArgument, "an answer needs the etag that was looked at");
        let etag = house.get(&rollout.name).await.metadata.unwrap().etag;
        house.client.resolve_gate(pb::ResolveGateRequest { etag, ..answer }).await.unwrap();
        if resolution == Resolution::Approve {
            house.at(&rollout.name, "BAKE", 100.0).await;
            house.world.script.segment(&rollout.name, 2).await;
            house.world.script.say(&rollout.name, Decision::Pass);
        }
        assert_eq!(house.ended(&rollout.name).await.state(), end);
    }
}

#[tokio::test]
async fn r12_abort_is_honoured_once_and_changes_nothing_after_the_end() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.client.abort_rollout(abort(&rollout.name)).await.unwrap();
    let again = house.client.abort_rollout(abort(&rollout.name)).await;
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), reason(&ended)), (State::RolledBack, "ABORTED"));
    if let Ok(again) = again {
        assert_ne!(again.into_inner().rollout.unwrap().state(), State::Running);
    }
    let begun = ended.steps.iter().filter(|step| step.kind == "RESTORE_CAPACITY").count();
    assert_eq!(begun, 1, "one rollback");
    assert_eq!(outcomes(&ended)[..2], [("StartRollout", Outcome::Done), ("AbortRollout", Outcome::Done)]);
    let late = house.client.abort_rollout(abort(&rollout.name)).await.unwrap_err();
    assert_eq!(late.code(), Code::FailedPrecondition);
    assert_eq!(house.get(&rollout.name).await, ended);
}

#[tokio::test]
async fn r12_abort_before_the_end_reverses_promote() {
    let mut house = House::silent().await;
    let before = house.stable(2).await;
    let step = |kind| pb::Step { kind: Some(kind), ..pb::Step::default() };
    let steps = vec![
        step(pb::step::Kind::Scale(pb::Scale {
            size: Some(pb::scale::Size::Percent(100.0)),
            ..Default::default()
        })),
        step(pb::step::Kind::Route(pb::Route { percent: 100.0, ..Default::default() })),
        step(pb::step::Kind::Promote(pb::Promote {})),
        step(pb::step::Kind::Wait(pb::Wait { duration: Some(span(3_600_000)) })),
    ];
    let strategy = pb::Strategy { kind: pb::strategy::Kind::Custom.into(), steps, ..Default::default() };
    let rollout = house.rollout(start("2", strategy)).await;
    house.until(&rollout.name, |it| at(it) == Some("WAIT")).await;
    house.client.abort_rollout(abort(&rollout.name)).await.unwrap();
    assert_eq!(house.ended(&rollout.name).await.state(), State::RolledBack);
    assert_eq!(house.get_target().await.stable.unwrap().id, fleet(&before).to_string());
}

#[tokio::test]
async fn x06_two_commands_race_in_one_order_with_both_outcomes_recorded() {
    let mut house = House::silent().await;
    house.stable(2).await;
    for version in ["2", "3", "4"] {
        let rollout = house.rollout(canary(version)).await;
        let baking = house.at(&rollout.name, "BAKE", 10.0).await;
        let advance = pb::AdvanceRolloutRequest {
            name: rollout.name.clone(),
            expected_step_index: baking.step_index,
            all: true,
            reason: "in a hurry".into(),
            ..Default::default()
        };
        let (mut one, mut other) = (house.client.clone(), house.client.clone());
        let (advanced, aborted) =
            tokio::join!(one.advance_rollout(advance), other.abort_rollout(abort(&rollout.name)),);
        let ended = house.ended(&rollout.name).await;
        // whichever came first: an accepted abort wins, unless everything was over before it came
        let won = aborted.is_ok();
        assert_eq!(ended.state(), if won { State::RolledBack } else { State::Succeeded });
        let recorded = outcomes(&ended);
        if won {
            assert!(recorded.contains(&("AbortRollout", Outcome::Done)), "{recorded:?}");
        }
        match advanced {
            Ok(_) => {
                let outcome = if won { Outcome::Superseded } else { Outcome::Done };
                assert!(recorded.contains(&("AdvanceRollout", outcome)), "{recorded:?}");
            }
            Err(refused) => assert_eq!(refused.code(), Code::FailedPrecondition),
        }
    }
}

#[tokio::test]
async fn x06_pause_and_resume_race_and_each_owner_lifts_only_its_own() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    let pause =
        pb::PauseRolloutRequest { name: rollout.name.clone(), reason: "lunch".into(), ..Default::default() };
    let resume =
        pb::ResumeRolloutRequest { name: rollout.name.clone(), reason: "back".into(), ..Default::default() };
    house
        .client
        .pause_rollout(pb::PauseRolloutRequest { owner: Owner::Window.into(), ..pause.clone() })
        .await
        .unwrap();
    let (mut one, mut other) = (house.client.clone(), house.client.clone());
    let (paused, resumed) = tokio::join!(one.pause_rollout(pause), other.resume_rollout(resume.clone()));
    paused.unwrap();
    let person = |rollout: &pb::Rollout| rollout.pauses.iter().any(|it| it.owner() == Owner::Person);
    let now = house.get(&rollout.name).await;
    assert_eq!(
        person(&now),
        resumed.is_err(),
        "one order: the pause is there unless the resume came after it"
    );
    if resumed.is_err() {
        house.client.resume_rollout(resume).await.unwrap();
    }
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Pass);
    let held = house.until(&rollout.name, |it| it.verdict.is_some()).await;
    assert_eq!((at(&held), share(&held)), (Some("BAKE"), 10.0), "the window still holds it");
    let window = pb::ResumeRolloutRequest {
        name: rollout.name.clone(),
        reason: "open".into(),
        owner: Owner::Window.into(),
        ..Default::default()
    };
    house.client.resume_rollout(window).await.unwrap();
    house.at(&rollout.name, "BAKE", 50.0).await;
}

#[tokio::test]
async fn r19_a_rollback_within_keep_starts_no_instance() {
    let mut house = House::passing().await;
    let before = house.stable(3).await;
    let rollout = house.rollout(canary("2")).await;
    house.ended(&rollout.name).await;
    let started = house.hands().stats(SHOP).started;
    let request = pb::RollbackRolloutRequest {
        name: rollout.name.clone(),
        reason: "complaints".into(),
        ..Default::default()
    };
    let back = house.client.rollback_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(back.rollback_of, rollout.name);
    assert_eq!(house.ended(&back.name).await.state(), State::Succeeded);
    assert_eq!(house.hands().stats(SHOP).started, started);
    assert_eq!(house.hands().split(SHOP).share(fleet(&before)).as_f64(), 100.0);
}

/// 50 %, a gate, 100 % with a bake.
fn gated(version: &str) -> pb::StartRolloutRequest {
    let step = |kind| pb::Step { kind: Some(kind), ..pb::Step::default() };
    let route = |percent| step(pb::step::Kind::Route(pb::Route { percent, ..Default::default() }));
    let scale = |percent| {
        let size = Some(pb::scale::Size::Percent(percent));
        step(pb::step::Kind::Scale(pb::Scale { size, ..Default::default() }))
    };
    let gate = pb::Gate { id: "sign-off".into(), text: "is it good?".into(), wants_value: false };
    let bake = pb::Bake { min: Some(span(0)), ..Default::default() };
    let steps = vec![
        scale(50.0),
        route(50.0),
        step(pb::step::Kind::Gate(gate)),
        scale(100.0),
        route(100.0),
        step(pb::step::Kind::Bake(bake)),
    ];
    start(version, pb::Strategy { kind: pb::strategy::Kind::Custom.into(), steps, ..Default::default() })
}
