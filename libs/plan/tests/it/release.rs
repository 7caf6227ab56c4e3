//! Releases from event to event.

use bellwether_plan::{
    ApplicationType, Approval, EnvironmentId, EvolveError, PlanDigest, Release, ReleaseEvent, ReleaseState,
    StageState, TRANSITIONS,
};
use proptest::prelude::*;

use crate::fixtures::{World, at, human};

fn moved(environment: &str, to: StageState) -> ReleaseEvent {
    ReleaseEvent::Moved { environment: environment.into(), to, code: "X".into(), text: String::new() }
}

fn requested(environment: &str) -> ReleaseEvent {
    ReleaseEvent::RolloutRequested {
        environment: environment.into(),
        request_id: "r".into(),
        plan_digest: PlanDigest::of(&1),
    }
}

fn play(events: &[ReleaseEvent]) -> Result<Release, EvolveError> {
    let release = World::new(ApplicationType::ECommerce).release();
    events
        .iter()
        .zip(0..)
        .try_fold(release, |release, (event, second)| Release::evolve(Some(release), event, at(second)))
}

#[test]
fn submitted_is_first_and_once() {
    let release = World::new(ApplicationType::Custom).release();
    let submitted = ReleaseEvent::Submitted { release: Box::new(release.clone()) };
    assert_eq!(Release::evolve(None, &submitted, at(0)).unwrap(), release);
    assert_eq!(Release::evolve(Some(release), &submitted, at(0)), Err(EvolveError::Repeated));
    assert!(Release::evolve(None, &requested("staging"), at(0)).is_err());
}

#[test]
fn its_state_follows_its_stages() {
    let step = |events: &[ReleaseEvent]| play(events).unwrap().state();
    let road = [
        (requested("development"), ReleaseState::RollingOut),
        (moved("development", StageState::Soaking), ReleaseState::Soaking),
        (requested("staging"), ReleaseState::RollingOut),
        (moved("staging", StageState::Completed), ReleaseState::Soaking),
        (moved("development", StageState::Completed), ReleaseState::Waiting),
        (requested("production"), ReleaseState::RollingOut),
        (moved("production", StageState::RolledBack), ReleaseState::RolledBack),
    ];
    let events: Vec<_> = road.iter().map(|(event, _)| event.clone()).collect();
    for (index, (event, state)) in road.iter().enumerate() {
        assert_eq!(step(&events[..=index]), *state, "after {event:?}");
    }
    assert_eq!(play(&events).unwrap().ended_at, Some(at(6)));
}

#[test]
fn a_promotion_after_the_end_opens_it_again() {
    let back = [requested("development"), moved("development", StageState::RolledBack)];
    let promoted = ReleaseEvent::Promoted {
        environment: "development".into(),
        by: human("bob"),
        reason: "it was the network".into(),
    };
    let release = play(&[back[0].clone(), back[1].clone(), promoted]).unwrap();
    let stage = &release.stages[&EnvironmentId::from("development")];
    assert_eq!((stage.state, stage.promoted_by.clone()), (StageState::Waiting, Some(human("bob"))));
    assert_eq!(release.ended_at, None);
}

#[test]
fn g04_planning_anew_voids_approvals() {
    let mut world = World::new(ApplicationType::ECommerce);
    let release = world.release();
    let production: EnvironmentId = "production".into();
    let approval = Approval {
        environment: production.clone(),
        plan_digest: release.plan_digest.clone(),
        by: human("bob"),
        comment: String::new(),
        at: at(1),
    };
    let release = Release::evolve(
        Some(release),
        &ReleaseEvent::Approved { environment: production.clone(), approval },
        at(1),
    )
    .unwrap();
    assert_eq!(release.valid_approvals(&production).count(), 1);
    world.application.generation += 1;
    let plan = world.plan().unwrap();
    let replanned = ReleaseEvent::Replanned { plan_digest: plan.digest(), plan: Box::new(plan) };
    let parent = release.plan_digest.clone();
    let release = Release::evolve(Some(release), &replanned, at(2)).unwrap();
    assert_eq!(release.valid_approvals(&production).count(), 0);
    assert_eq!((release.parent_digest, release.approvals.len()), (Some(parent), 1));
}

#[test]
fn planning_anew_keeps_what_has_started() {
    let mut world = World::new(ApplicationType::ECommerce);
    let former = world.plan().unwrap();
    world.application.generation += 1;
    world.application.kind = ApplicationType::BankingApi;
    let plan = world.plan().unwrap().keeping(&former, |environment| environment.as_str() == "development");
    let development: EnvironmentId = "development".into();
    assert_eq!(plan.part(&development), former.part(&development));
    assert_ne!(plan.part(&"staging".into()), former.part(&"staging".into()));
}

fn event() -> impl Strategy<Value = ReleaseEvent> {
    let environment = prop_oneof![Just("development"), Just("staging"), Just("production"), Just("nowhere")];
    let state = prop::sample::select(StageState::ALL.to_vec());
    (environment, state, 0..6u8).prop_map(|(environment, state, kind)| {
        let id: EnvironmentId = environment.into();
        match kind {
            0 => requested(environment),
            1 => ReleaseEvent::HealthLost { environment: id },
            2 => ReleaseEvent::HealthRegained { environment: id },
            3 => ReleaseEvent::Replaced { environment: id },
            _ => moved(environment, state),
        }
    })
}

proptest! {
    /// Whatever comes: it is applied as the table says or refused; live, soaking and ended agree with the state.
    #[test]
    fn every_event_is_legal_or_refused(events in prop::collection::vec(event(), 0..60)) {
        let mut release = World::new(ApplicationType::ECommerce).release();
        for (event, second) in events.iter().zip(0..) {
            let before = release.clone();
            let Ok(after) = Release::evolve(Some(release), event, at(second)) else {
                release = before;
                continue;
            };
            for (id, stage) in &after.stages {
                let was = before.stages[id].state;
                let legal = was == stage.state || TRANSITIONS.iter().any(|(from, to)| *from == was && to.contains(&stage.state));
                prop_assert!(legal, "{was:?} to {:?}", stage.state);
                prop_assert!(stage.live_since.is_none() || stage.state.is_live());
                prop_assert!(stage.soak.since.is_none() || stage.live_since.is_some());
            }
            let ended = after.stages.values().all(|stage| stage.state.is_final());
            prop_assert_eq!(after.ended_at.is_some(), ended);
            release = after;
        }
    }
}
