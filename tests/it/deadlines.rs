//! The progress deadline. What must not happen in a time is looked at when a twin, which began later, has run into its own.

use bellwether_proto::{
    executor::v1::{FailureAction, Rollout, rollout::State, scale::Size, strategy::Kind},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    shop::{Release, millis},
    stack::Stack,
    wait::until,
};
use rustix::process::Signal;

use super::{
    observe::{at, fleet_of},
    stage::{
        at_step, code, decided, gate, held_by_policy, ready, scale, seconds, share, share_of, stage, step,
    },
};

fn within(seconds: i64) -> impl FnOnce(&mut Deployment) {
    move |it| it.policy.as_mut().unwrap().progress_deadline = millis(seconds * 1000)
}

/// A canary whose instances never become ready runs into its deadline.
async fn runs_into_it(app: &App<'_>, version: &str) {
    let name = app.submit(&app.held(Release::unjudged_by(version, Kind::Canary))).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "PROGRESS_DEADLINE"), "{ended:#?}");
    let target = app.target().await.unwrap();
    assert_eq!(share_of(&target, &target.stable.as_ref().unwrap().id), 100.0);
}

async fn with_pause_it_recovers_when_ready(stack: &Stack) {
    let app = App::serving(stack, "pauses", 1, |it| {
        within(2)(it);
        it.policy.as_mut().unwrap().on_deploy_failure = FailureAction::Pause.into();
    });
    let app = app.await.unwrap();
    let release = app.held(Release::unjudged_by("2", Kind::Canary).weights(&[50.0, 100.0]));
    let name = app.submit(&release).await.unwrap();
    let paused = app.until(&name, held_by_policy).await.unwrap();
    assert_eq!((paused.state(), at(&paused)), (State::Running, ("SCALE", 0.0)));
    assert!(paused.pauses[0].reason.contains("deadline") || !paused.pauses[0].reason.is_empty());
    app.permit().unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), ended.pauses.len()), (State::Succeeded, 0), "{ended:#?}");
}

async fn the_deadline_stands_while_paused_or_waiting(stack: &Stack) {
    let app = App::serving(stack, "stands", 1, within(3)).await.unwrap();
    let twin = App::serving(stack, "twin", 1, within(3)).await.unwrap();
    let steps = [gate("go"), scale(Size::Count(1)), share(50.0)];
    let name = app.submit(&app.held(Release::steps("2", steps))).await.unwrap();
    let waits = app.until(&name, |it| at_step(it, 0)).await.unwrap();
    runs_into_it(&twin, "2").await;
    let still = app.rollout(&waits.name).await.unwrap();
    assert_eq!((still.state(), still.step_index), (State::Running, 0), "a gate waits for a person");

    app.approve(&still, "go").await.unwrap();
    app.until(&name, |it| at_step(it, 1)).await.unwrap();
    app.pause(&waits.name, false).await.unwrap();
    runs_into_it(&twin, "3").await;
    let still = app.rollout(&waits.name).await.unwrap();
    assert_eq!((still.state(), still.step_index), (State::Running, 1), "a pause stops it");

    app.resume(&waits.name).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "PROGRESS_DEADLINE"), "{ended:#?}");
    let resumed = ended.commands.iter().rev().find(|it| it.method == "ResumeRollout").unwrap();
    let afresh = decided(&ended) - seconds(resumed.accept_time.as_ref());
    assert!(afresh >= 2.99, "resuming gives it afresh: {afresh} s");
}

/// Until the step that runs is this old.
async fn aged(app: &App<'_>, rollout: &Rollout, age: f64) {
    let began = seconds(step(rollout).unwrap().start_time.as_ref());
    let now = || app.stack.env().now().as_millisecond() as f64 / 1000.0;
    until("the step has run for a while", || async { (now() >= began + age).then_some(()) }).await.unwrap();
}

async fn readiness_moves_the_deadline_and_flapping_does_not(stack: &Stack) {
    const DEADLINE: f64 = 5.0;
    let app = App::serving(stack, "moves", 2, within(5)).await.unwrap();
    let name = app.submit(&app.held(Release::unjudged_by("2", Kind::BlueGreen))).await.unwrap();
    let scaling = app.until(&name, |it| at_step(it, 0) && !it.instances.is_empty()).await.unwrap();
    let fleet = fleet_of(&scaling);
    let is_ready = |count: usize| {
        let fleet = fleet.clone();
        move |it: &Rollout| ready(&it.instances, &fleet) == count
    };
    let began = seconds(step(&scaling).unwrap().start_time.as_ref());
    aged(&app, &scaling, 2.0).await;
    app.permit().unwrap();
    app.until(&name, is_ready(1)).await.unwrap();

    aged(&app, &scaling, 3.0).await;
    let one = app.until(&name, is_ready(1)).await.unwrap();
    assert_eq!(one.state(), State::Running);
    // those that wait for their permit sleep in a shell, and do not know the difference
    app.signal(&fleet, Signal::STOP).unwrap();
    app.until(&name, is_ready(0)).await.unwrap();
    aged(&app, &scaling, 5.0).await;
    let again = app.stack.env().now().as_millisecond() as f64 / 1000.0;
    app.signal(&fleet, Signal::CONT).unwrap();
    app.until(&name, is_ready(1)).await.unwrap();

    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "PROGRESS_DEADLINE"), "{ended:#?}");
    let decided = decided(&ended);
    assert!(decided >= began + 2.0 + DEADLINE, "the first one moved it: {}", decided - began);
    assert!(decided < again + DEADLINE, "the same one again did not: {}", decided - again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r08_r09_r10_what_moves_the_deadline_and_what_stops_it() {
    let stack = stage().await;
    tokio::join!(
        with_pause_it_recovers_when_ready(&stack),
        the_deadline_stands_while_paused_or_waiting(&stack),
        readiness_moves_the_deadline_and_flapping_does_not(&stack),
    );
}
