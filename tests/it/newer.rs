//! Releases that come while another one is at work, after one of another kind, or that change little.

use bellwether_proto::{
    executor::v1::{Rollout, Superseding, rollout::State, strategy::Kind, validation_item::Result as Found},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    shop::{Release, millis},
    stack::Stack,
};
use rustix::process::Signal;

use super::{
    observe::{at, fleet_of, stable_ids, stable_of},
    stage::{code, ready, routed, share_of, stage},
};

/// One that was put in another one's place ends as if nothing had been asked for: it is what serves already.
async fn unchanged(app: &App<'_>, release: &str) {
    let ended = app.ended(release).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::Succeeded, "UNCHANGED"), "{ended:#?}");
    assert!(ended.steps.iter().all(|it| it.start_time.is_none()), "no step: {:#?}", ended.steps);
    assert!(ended.verdict.is_none(), "and no analysis");
}

/// Submits a release, and waits until half of the traffic is on it.
async fn baking(app: &App<'_>, version: &str) -> (String, Rollout) {
    let name = app.submit(&Release::endless(version)).await.unwrap();
    let rollout = app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    (name, rollout)
}

async fn a_newer_one_supersedes_and_stable_again_needs_no_steps(stack: &Stack) {
    let app = App::serving(stack, "newer", 2, |_| ()).await.unwrap();
    let before = app.target().await.unwrap();
    let (second, rollout) = baking(&app, "2").await;
    app.pause(&rollout.name, false).await.unwrap();
    let third = app.submit(&Release::endless("3")).await.unwrap();
    let first_step = app.until(&third, |it| it.state() == State::Running).await.unwrap();
    assert_eq!(first_step.previous_fleet, stable_of(&before), "it goes back to what serves");
    assert!(app.target().await.unwrap().instance_states.iter().all(|it| it.fleet != fleet_of(&rollout)));
    assert_eq!(app.ended(&second).await.unwrap().state(), State::Superseded);

    app.until(&third, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    let again = app.submit(&Release::unjudged("1")).await.unwrap();
    unchanged(&app, &again).await;
    assert_eq!(app.ended(&third).await.unwrap().state(), State::Superseded);
    let after = app.target().await.unwrap();
    assert_eq!(stable_ids(&after), stable_ids(&before), "straight back");
    assert_eq!(share_of(&after, &stable_of(&before)), 100.0);
}

async fn equal_to_stable_ends_another_one_also_where_releases_queue(stack: &Stack) {
    let queue = |it: &mut Deployment| {
        it.policy.as_mut().unwrap().superseding = Superseding::Queue.into();
    };
    let app = App::serving(stack, "queued", 1, queue).await.unwrap();
    let (second, _) = baking(&app, "2").await;
    let again = app.submit(&Release::unjudged("1")).await.unwrap();
    unchanged(&app, &again).await;
    let ended = app.ended(&second).await.unwrap();
    assert_eq!(ended.state(), State::Superseded, "{ended:#?}");
}

async fn strategies_change_between_releases(stack: &Stack) {
    let app = App::serving(stack, "changes", 3, |_| ()).await.unwrap();
    for (version, kind) in [("2", Kind::Canary), ("3", Kind::BlueGreen)] {
        let release = Release::unjudged_by(version, kind);
        let release = if kind == Kind::Canary { release.weights(&[50.0, 100.0]) } else { release };
        let name = app.submit(&release).await.unwrap();
        let ended = app.ended(&name).await.unwrap();
        assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
        let fleet = fleet_of(&ended);
        let alone = app.target_until("nothing else is left", |it| {
            it.kept.is_empty() && it.instance_states.iter().all(|it| it.fleet == fleet)
        });
        assert_eq!(ready(&alone.await.unwrap().instance_states, &fleet), 3);
        assert_eq!(app.processes("").len(), 3, "no orphan");
        let route = routed(&app).await;
        assert_eq!(route.split.len(), 1, "{route:?}");
        assert!(route.rules.is_empty() && route.preview_fleet.is_empty() && !route.sticky, "{route:?}");
    }
}

async fn configuration_alone_is_a_rollout_and_says_what_it_did_not_check(stack: &Stack) {
    let app = App::serving(stack, "configured", 2, |_| ()).await.unwrap();
    let load = app.load(120);
    let release = Release::canary("1").set("COLOUR", "green");
    let name = app.submit(&release).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    let fleet = fleet_of(&ended);
    assert_eq!(stable_of(&app.target().await.unwrap()), fleet);
    assert!(app.all_have(&fleet, "COLOUR=green"));
    let found: Vec<(&str, Found)> = ended.validation.iter().map(|it| (it.id.as_str(), it.result())).collect();
    let expected = [
        ("HEALTH", Found::Pass),
        ("PERFORMANCE", Found::NotChecked),
        ("ERROR_RATES", Found::Pass),
        ("USER_JOURNEYS", Found::NotChecked),
        ("BUSINESS_METRICS", Found::NotChecked),
    ];
    assert_eq!(found, expected);
    let (code, told, errors) = stack.cli(&["status", &ended.display_name]).await.unwrap();
    assert_eq!(code, 0, "{errors}");
    let journeys = told.lines().find(|line| line.contains("USER_JOURNEYS")).unwrap_or_default();
    assert!(journeys.contains("NOT") && journeys.contains("CHECKED"), "shown as such: {told}");
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

async fn what_mends_an_unhealthy_stable_must_be_allowed_to(stack: &Stack) {
    let quick = |it: &mut Deployment| {
        it.stop_grace = millis(500);
        it.ready.as_mut().unwrap().timeout = millis(200);
    };
    let app = App::serving(stack, "unwell", 2, quick).await.unwrap();
    let stable = stable_of(&app.target().await.unwrap());
    app.signal(&stable, Signal::STOP).unwrap();
    app.target_until("stable is unwell", |it| ready(&it.instance_states, &stable) == 0).await.unwrap();
    let mending = Release::of("2", Kind::BlueGreen);
    let refused = app.submit(&mending).await.unwrap();
    let why = app.refused(&refused).await.unwrap();
    assert_eq!(why, "STABLE_UNHEALTHY");

    let mending = Release { version: "3".to_owned(), ..mending };
    let name = app.submit_as(&mending, |it| it.bundle.as_mut().unwrap().allow_unhealthy_stable = true);
    let name = name.await.unwrap();
    app.until(&name, |it| at(it) == ("BAKE", 100.0)).await.unwrap();
    let load = app.load(120);
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert!(ended.policy.as_ref().unwrap().allow_unhealthy_stable, "recorded");
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r13_r14_r23_r47_newer_releases_and_equal_ones() {
    let stack = stage().await;
    tokio::join!(
        a_newer_one_supersedes_and_stable_again_needs_no_steps(&stack),
        equal_to_stable_ends_another_one_also_where_releases_queue(&stack),
        strategies_change_between_releases(&stack),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_r43_r45_a_configuration_goes_to_the_end_and_a_mending_release_too() {
    let stack = stage().await;
    tokio::join!(
        configuration_alone_is_a_rollout_and_says_what_it_did_not_check(&stack),
        what_mends_an_unhealthy_stable_must_be_allowed_to(&stack),
    );
}
