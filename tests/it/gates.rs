//! Rollouts that wait for a person.

use bellwether_client::ApiError;
use bellwether_proto::executor::v1::{Rollout, Target, rollout::State, scale::Size, step::Kind, step_status};
use bellwether_tests::{
    app::App,
    shop::{Release, short_bake},
    stack::Stack,
    wait::until,
};
use tonic::Code;

use super::{
    observe::{at, fleet_of, stable_ids, stable_of},
    stage::{code, gate, scale, share, share_of, stage},
};

const GATE: &str = "sign-off";

/// Half of the traffic, then a person, and then the monitor, which looks at it from the first request on.
fn gated(version: &str) -> Release {
    let bake = Kind::Bake(short_bake().unwrap());
    Release::steps(version, [scale(Size::Percent(50.0)), share(50.0), gate(GATE), bake])
}

async fn waiting(app: &App<'_>, release: &str) -> Rollout {
    let waits = app.until(release, |it| at(it) == ("GATE", 50.0)).await.unwrap();
    let asked = waits.waiting_on.iter().find(|it| it.kind == "GATE").unwrap();
    assert!(asked.who == "approver" && asked.text.contains(GATE), "{asked:?}");
    waits
}

/// Users are where they were before, on instances that nobody had touched.
async fn taken_back(app: &App<'_>, ended: &Rollout, before: &Target, why: &str) {
    assert_eq!((ended.state(), code(ended)), (State::RolledBack, why), "{ended:#?}");
    let last = ended.steps.iter().rfind(|it| !it.undo && it.start_time.is_some()).unwrap();
    assert_eq!((last.kind.as_str(), last.state()), ("GATE", step_status::State::Failed), "{ended:#?}");
    let after = app.target().await.unwrap();
    assert_eq!(stable_ids(&after), stable_ids(before));
    assert!(after.instance_states.iter().all(|it| it.restarts == 0), "{after:#?}");
    assert_eq!(share_of(&after, &stable_of(before)), 100.0);
    assert!(app.processes(&fleet_of(ended)).is_empty());
}

async fn one_that_waits_for_an_approval_is_taken_back_too(stack: &Stack) {
    let app = App::serving(stack, "waits", 2, |_| ()).await.unwrap();
    let before = app.target().await.unwrap();
    let name = app.submit(&gated("2").set("SHOP_ERRORS_PERCENT", "20")).await.unwrap();
    waiting(&app, &name).await;
    // nobody had come before, so that nothing was known of it
    let load = app.load(100);
    let ended = app.ended(&name).await.unwrap();
    taken_back(&app, &ended, &before, "VERDICT_FAIL").await;
    let late = app.approve(&ended, GATE).await.unwrap_err();
    assert_eq!(ApiError::from(late).reason, "STEP_CHANGED", "nobody is asked any more");
    let tally = load.tally();
    assert!(tally.failed == 0 && tally.injected > 0, "{tally:?}");
}

async fn a_rejected_gate_takes_it_back_and_an_approved_one_lets_it_go_on(stack: &Stack) {
    let app = App::serving(stack, "gated", 2, |_| ()).await.unwrap();
    let before = app.target().await.unwrap();
    let load = app.load(100);
    let name = app.submit(&gated("2")).await.unwrap();
    let waits = waiting(&app, &name).await;
    let answers = || load.tally().versions.get("2").map_or(0, |it| it.answers);
    until("users are on it", || async { (answers() > 50).then_some(()) }).await.unwrap();
    let mut blind = waits.clone();
    blind.metadata = None;
    let refused = app.reject(&blind, GATE).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "an answer needs what was looked at: {refused:?}");
    app.reject(&waits, GATE).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    taken_back(&app, &ended, &before, "GATE_REJECTED").await;
    let said = ended.commands.iter().find(|it| it.method == "ResolveGate").unwrap();
    assert!(!said.reason.is_empty() && said.principal.is_some(), "who and why: {said:?}");

    let name = app.submit(&gated("3")).await.unwrap();
    app.approve(&waiting(&app, &name).await, GATE).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert_eq!(stable_of(&app.target().await.unwrap()), fleet_of(&ended));
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r03_r41_what_waits_for_a_person_is_taken_back_by_facts_and_by_people() {
    let stack = stage().await;
    tokio::join!(
        one_that_waits_for_an_approval_is_taken_back_too(&stack),
        a_rejected_gate_takes_it_back_and_an_approved_one_lets_it_go_on(&stack),
    );
}
