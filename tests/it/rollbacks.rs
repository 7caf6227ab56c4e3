//! Taking back what had succeeded, and fleets that do not go away.

use bellwether_proto::{
    executor::v1::{
        RollbackRolloutRequest, Rollout, resolve_interruption_request::Resolution, rollout::State,
    },
    planner::v1::{Deployment, RollbackReleaseRequest},
};
use bellwether_tests::{
    app::App,
    shop::{Release, millis},
    stack::Stack,
};
use rustix::process::Signal;

use super::{
    observe::{fleet_of, stable_of},
    stage::{newest, ready, share_of, stage},
};

/// Version 2 serves alone, and version 1, whose instances need a permit, has gone.
async fn released<'s>(stack: &'s Stack) -> (App<'s>, String, Rollout) {
    let policy = |it: &mut Deployment| {
        let policy = it.policy.as_mut().unwrap();
        (policy.keep, policy.progress_deadline) = (millis(0), millis(6_000));
    };
    let app = App::new(stack, "gone", 2, policy).await.unwrap();
    let first = app.submit(&app.held(Release::unjudged("1"))).await.unwrap();
    app.permit().unwrap();
    app.permit().unwrap();
    assert_eq!(app.ended(&first).await.unwrap().state(), State::Succeeded);
    let name = app.submit(&Release::unjudged("2")).await.unwrap();
    let second = app.ended(&name).await.unwrap();
    assert_eq!(second.state(), State::Succeeded, "{second:#?}");
    let fleet = fleet_of(&second);
    let alone = app.target_until("the first version is gone", |it| {
        it.kept.is_empty() && it.instance_states.iter().all(|it| it.fleet == fleet)
    });
    alone.await.unwrap();
    (app, name, second)
}

async fn fails_and_asks(app: &App<'_>, second: &Rollout) {
    let request = RollbackRolloutRequest {
        name: second.name.clone(),
        reason: "nobody likes it".to_owned(),
        ..Default::default()
    };
    let back = app.stack.executor().rollback_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    assert_eq!(back.rollback_of, second.name);
    let asks = newest(app, "it asks", |it| it.state() == State::NeedsOperator).await;
    let reason = asks.reason.as_ref().unwrap();
    assert_eq!((asks.name.as_str(), reason.code.as_str()), (back.name.as_str(), "PROGRESS_DEADLINE"));
    assert_eq!(reason.values["stay"], "ROLLBACK_IS_NOT_ROLLED_BACK");
    assert_eq!(share_of(&app.target().await.unwrap(), &fleet_of(second)), 100.0, "what serves goes on");
    app.abort(&back.name, "").await.unwrap();
    newest(app, "it is taken back", |it| it.state() == State::RolledBack).await;
}

async fn goes_straight_to_100(app: &App<'_>, release: &str, second: &Rollout) {
    let request = RollbackReleaseRequest {
        name: release.to_owned(),
        reason: "customers complain".to_owned(),
        ..Default::default()
    };
    app.stack.planner().rollback_release(request).await.unwrap();
    let back = newest(app, "it is linked", |it| {
        it.rollback_of == second.name && it.state() == State::Running && !it.instances.is_empty()
    });
    let back = back.await;
    let fleet = fleet_of(&back);
    app.permit().unwrap();
    let half = newest(app, "one is ready", |it| ready(&it.instances, &fleet) == 1).await;
    assert_eq!((half.name.as_str(), half.state()), (back.name.as_str(), State::Running));
    assert_eq!(share_of(&app.target().await.unwrap(), &fleet), 0.0, "not before it is ready");
    app.permit().unwrap();
    let ended = newest(app, "it serves", |it| it.state() == State::Succeeded).await;
    assert_eq!((ended.name.as_str(), ended.rollback_of.as_str()), (back.name.as_str(), second.name.as_str()));
    assert_eq!(ended.spec.as_ref().unwrap().version, "1");
    let steps: Vec<&str> = ended.steps.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(steps, ["SCALE", "ROUTE", "PROMOTE"]);
    let after = app.target().await.unwrap();
    assert_eq!((stable_of(&after), share_of(&after, &fleet)), (fleet.clone(), 100.0));
}

async fn after_keep_a_linked_rollout_and_one_that_fails_asks(stack: &Stack) {
    let (app, name, second) = released(stack).await;
    let load = app.load(60);
    fails_and_asks(&app, &second).await;
    goes_straight_to_100(&app, &name, &second).await;
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

async fn a_failed_retirement_is_the_targets_trouble(stack: &Stack) {
    let patient = |it: &mut Deployment| {
        let policy = it.policy.as_mut().unwrap();
        (policy.keep, policy.progress_deadline) = (millis(3_000), millis(5_000));
        // long enough that nothing but the process itself ends it
        it.stop_grace = millis(600_000);
    };
    let app = App::serving(stack, "retired", 1, patient).await.unwrap();
    let old = stable_of(&app.target().await.unwrap());
    let name = app.submit(&Release::unjudged("2")).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    app.signal(&old, Signal::STOP).unwrap();
    let load = app.load(60);
    let troubled = app.target_until("it asks", |it| it.needs_operator.is_some()).await.unwrap();
    assert_eq!(troubled.needs_operator.as_ref().unwrap().code, "RETIREMENT_FAILED");
    assert!(troubled.traffic_safe);
    assert_eq!(app.rollout(&ended.name).await.unwrap().state(), State::Succeeded, "the rollout stays so");
    let third = app.submit(&Release::unjudged("3")).await.unwrap();
    assert_eq!(app.refused(&third).await.unwrap(), "TARGET_NEEDS_OPERATOR");

    app.signal(&old, Signal::CONT).unwrap();
    app.resolve(&app.target_name(), Resolution::Retry).await.unwrap();
    let well = app.target_until("it is gone", |it| {
        it.needs_operator.is_none()
            && it.kept.is_empty()
            && it.instance_states.iter().all(|it| it.fleet != old)
    });
    well.await.unwrap();
    assert!(app.processes(&old).is_empty());
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r20_r21_r48_rollbacks_after_keep_and_a_failed_retirement() {
    let stack = stage().await;
    tokio::join!(
        after_keep_a_linked_rollout_and_one_that_fails_asks(&stack),
        a_failed_retirement_is_the_targets_trouble(&stack),
    );
}
