//! First deployments: there is nothing to go back to.

use bellwether_proto::executor::v1::{Rollout, Target, rollout::State};
use bellwether_tests::{
    app::App,
    shop::{Release, short_bake},
    stack::Stack,
    visit::visit,
};

use super::{
    observe::{at, fleet_of, stable_of},
    stage::{code, ready, routed, share_of, stage},
};

/// What users get while there is nobody who could serve them.
async fn nobody_serves(app: &App<'_>) {
    let got = visit(app.front, "/", &[]).await.unwrap();
    assert_eq!((got.status, got.version.as_str()), (503, ""), "{got:?}");
}

async fn a_good_one_serves(stack: &Stack) {
    let app = App::new(stack, "first", 2, |_| ()).await.unwrap();
    let mut release = app.held(Release::canary("1"));
    release.strategy.final_bake = short_bake();
    let name = app.submit(&release).await.unwrap();
    app.permit().unwrap();
    let half = app.until(&name, |it| ready(&it.instances, &fleet_of(it)) == 1).await.unwrap();
    assert_eq!((half.state(), at(&half)), (State::Running, ("SCALE", 0.0)));
    nobody_serves(&app).await;
    app.permit().unwrap();
    let serving = app.until(&name, |it| at(it) == ("BAKE", 100.0)).await.unwrap();
    assert_eq!(serving.previous_fleet, "");
    let load = app.load(100);
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    let kinds: Vec<&str> = ended.steps.iter().map(|it| it.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["SCALE", "ROUTE", "BAKE", "PROMOTE"],
        "no shares where there is nothing to share with"
    );
    let (fleet, target) = (fleet_of(&ended), app.target().await.unwrap());
    assert_eq!((stable_of(&target), share_of(&target, &fleet)), (fleet, 100.0));
    assert!(target.traffic_safe);
    let tally = load.tally();
    assert!(tally.failed == 0 && tally.versions.contains_key("1"), "{tally:?}");
}

/// Users are served by nobody, nothing of it runs, and the next release is a first one again.
async fn nothing_is_left(app: &App<'_>, ended: &Rollout) -> Target {
    assert_eq!((ended.state(), code(ended)), (State::RolledBack, "NO_PREVIOUS_VERSION"), "{ended:#?}");
    let target = app.target().await.unwrap();
    assert!(target.stable.is_none() && target.split.is_empty(), "{target:#?}");
    assert!(target.instance_states.is_empty(), "{target:#?}");
    assert!(routed(app).await.split.is_empty(), "to nobody");
    assert!(app.processes("").is_empty());
    nobody_serves(app).await;
    target
}

async fn a_bad_one_is_taken_from_everybody(stack: &Stack) {
    let app = App::new(stack, "bad", 2, |_| ()).await.unwrap();
    let release = Release::canary("1").set("SHOP_ERRORS_PERCENT", "40");
    let name = app.submit(&release).await.unwrap();
    app.until(&name, |it| at(it) == ("BAKE", 100.0)).await.unwrap();
    let load = app.load(100);
    let ended = app.ended(&name).await.unwrap();
    drop(load);
    nothing_is_left(&app, &ended).await;
    let evidence = ended.evidence.as_ref().unwrap();
    let verdict = evidence.verdict.as_ref().unwrap();
    assert!(verdict.checks.iter().any(|it| it.id.starts_with("errors")), "why is kept: {verdict:#?}");

    // what comes after it is a first deployment as well
    let name = app.submit(&Release::unjudged("2")).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), ended.previous_fleet.as_str()), (State::Succeeded, ""), "{ended:#?}");
    assert_eq!(visit(app.front, "/healthz", &[]).await.unwrap().status, 200);
}

async fn one_that_cannot_run_leaves_its_last_words(stack: &Stack) {
    let app = App::new(stack, "dead", 1, |_| ()).await.unwrap();
    let release = Release::canary("1").set("SHOP_ERRORS_PERCENT", "many");
    let name = app.submit(&release).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    nothing_is_left(&app, &ended).await;
    let exits = &ended.evidence.as_ref().unwrap().exits;
    let said = |line: &String| line.contains("many") && line.contains("invalid");
    assert!(exits.iter().any(|it| it.code == Some(2) && it.log_tail.iter().any(said)), "{exits:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r00a_r00b_a_first_deployment_serves_or_nobody_is_served() {
    let stack = stage().await;
    tokio::join!(
        a_good_one_serves(&stack),
        a_bad_one_is_taken_from_everybody(&stack),
        one_that_cannot_run_leaves_its_last_words(&stack),
    );
}
