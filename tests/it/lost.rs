//! Services that a rollout waits for are dead in the middle of it.

use bellwether_proto::{
    Timestamp,
    executor::v1::{Bake, Rollout, rollout::State, step_status},
    planner::v1::{GetReleaseRequest, release},
};
use bellwether_tests::{
    app::App,
    shop::{Release, millis},
    stack::{Part, Setup, Stack},
    wait::until,
};

use super::{
    PROGRAM,
    observe::at,
    stage::{code, seconds, stage_of, step},
};

fn bake(min: i64, no_checks: bool) -> Option<Bake> {
    Some(Bake { min: millis(min), max: millis(600_000), no_checks })
}

fn waits_for(rollout: &Rollout, kind: &str) -> bool {
    rollout.waiting_on.iter().any(|it| it.kind == kind)
}

/// A rollout whose step is as it was: nothing went forward, nothing back.
fn unmoved(now: &Rollout, before: &Rollout) {
    assert_eq!((now.state(), at(now)), (State::Running, ("BAKE", 50.0)), "{now:#?}");
    assert_eq!(now.step_index, before.step_index);
}

/// Until then; both clocks are this machine's.
async fn reached(stack: &Stack, time: f64) {
    let now = || stack.env().now().as_millisecond() as f64 / 1000.0;
    until("it is that late", || async { (now() >= time).then_some(()) }).await.unwrap();
}

fn now(stack: &Stack) -> f64 {
    stack.env().now().as_millisecond() as f64 / 1000.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r31_a_monitor_that_dies_in_a_bake_holds_it_and_its_time_does_not_count() {
    const DEAD: f64 = 20.0;
    const BAKE: f64 = 4.0;
    let stack = stage_of(Setup::four(PROGRAM)).await;
    let app = App::serving(&stack, "watched", 2, |_| ()).await.unwrap();
    let load = app.load(100);
    let mut release = Release::canary("2");
    release.strategy.bake = bake((BAKE * 1000.0) as i64, false);
    let name = app.submit(&release).await.unwrap();
    let before = app.until(&name, |it| at(it) == ("BAKE", 50.0) && it.verdict.is_some()).await.unwrap();
    stack.kill(Part::Monitor).unwrap();
    let killed = now(&stack);
    let held = app.until(&name, |it| waits_for(it, "MONITOR")).await.unwrap();
    unmoved(&held, &before);
    assert!(now(&stack) - killed < DEAD, "it is noticed sooner than it is back");
    let told = held.waiting_on.iter().find(|it| it.kind == "MONITOR").unwrap();
    assert_eq!(told.who, "", "it ends by itself: {told:?}");
    reached(&stack, killed + DEAD).await;
    let still = app.rollout(&held.name).await.unwrap();
    unmoved(&still, &before);
    assert!(waits_for(&still, "MONITOR"), "{still:#?}");

    stack.again(Part::Monitor).await.unwrap();
    let resumed = now(&stack);
    app.until(&name, |it| !waits_for(it, "MONITOR")).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "it goes on by itself: {ended:#?}");
    let skipped =
        |it: &&bellwether_proto::executor::v1::StepStatus| it.state() == step_status::State::Skipped;
    assert_eq!(ended.steps.iter().filter(skipped).count(), 0, "{ended:#?}");
    let baked = &ended.steps[usize::try_from(before.step_index).unwrap()];
    let (began, over) = (seconds(baked.start_time.as_ref()), seconds(baked.end_time.as_ref()));
    assert!(over >= resumed, "not before it was back");
    // what was heard before it died counts, and nothing of the time after that
    let heard = (killed - began) + (over - resumed);
    assert!(heard >= BAKE - 0.1, "{heard} s of {BAKE} s were watched");
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

/// Half of the traffic, in a bake that nobody judges and that ends by itself after 5 s.
async fn permitted<'s>(stack: &'s Stack, name: &str) -> (App<'s>, String, Rollout) {
    let app = App::serving(stack, name, 1, |_| ()).await.unwrap();
    let mut release = Release::canary("2");
    (release.strategy.bake, release.strategy.final_bake) = (bake(5_000, true), bake(100, true));
    let name = app.submit(&release).await.unwrap();
    let rollout = app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    let began = step(&rollout).unwrap().start_time.unwrap();
    let until = Timestamp { seconds: began.seconds + 2, ..began };
    app.permit_until(&rollout.name, Some(until)).await.unwrap();
    (app, name, rollout)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r42_without_a_permit_nothing_goes_forward_and_everything_back() {
    let stack = stage_of(Setup::four(PROGRAM)).await;
    let (one, other) = tokio::join!(permitted(&stack, "renewed"), permitted(&stack, "aborted"));
    stack.kill(Part::Planner).unwrap();
    let loads = [one.0.load(60), other.0.load(60)];
    for (app, name, before) in [&one, &other] {
        let waits = app.until(name, |it| waits_for(it, "PERMIT")).await.unwrap();
        unmoved(&waits, before);
        assert!(waits.permit_until.is_some());
        let refused = app.advance(&waits.name, waits.step_index, true).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::FailedPrecondition, "nobody may push it: {refused:?}");
    }
    let (app, name, before) = &other;
    app.abort(&before.name, "").await.unwrap();
    let ended = app.ended(name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "ABORTED"), "{ended:#?}");

    let (app, name, before) = &one;
    unmoved(&app.rollout(&before.name).await.unwrap(), before);
    app.permit_until(&before.name, None).await.unwrap();
    let ended = app.ended(name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    stack.again(Part::Planner).await.unwrap();
    let known = until("the planner knows how it ended", || async {
        let request = GetReleaseRequest { name: name.clone() };
        let release = stack.planner().get_release(request).await.ok()?.into_inner().release?;
        (release.state() == release::State::Completed).then_some(())
    });
    known.await.unwrap();
    for load in loads {
        assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
    }
}
