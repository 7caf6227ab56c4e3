//! What verdicts of the real monitor do, and what people do instead of them.

use std::path::Path;

use bellwether::load::Load;
use bellwether_proto::{
    executor::v1::{Bake, FailureAction, Ingress, Rollout, rollout::State, step_status, strategy::Kind},
    monitor::v1::{Decision, ListAnalysesRequest},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    ports::free_address,
    process::signal_id,
    shop::{self, Release, is_over, millis, short_bake},
    stack::Stack,
    wait::until,
};
use rustix::process::Signal;

use super::{
    observe::{at, fleet_of},
    stage::{code, share_of, stage, step},
};

fn endless() -> Option<Bake> {
    Release::endless("2").strategy.bake
}

/// The rollout's forward steps that were skipped.
fn skipped(rollout: &Rollout) -> usize {
    rollout.steps.iter().filter(|it| !it.undo && it.state() == step_status::State::Skipped).count()
}

/// Whether it says that it came to the end of the longest bake.
fn held_undecided(rollout: &Rollout) -> bool {
    rollout.waiting_on.iter().any(|it| it.kind == "VERDICT" && it.text.contains("within the longest bake"))
}

async fn fail_between_steps_acts_at_once(stack: &Stack) {
    let app = App::serving(stack, "between", 2, |_| ()).await.unwrap();
    let load = app.load(80);
    let release = Release::endless("2").set("SHOP_ERRORS_PERCENT", "20");
    let name = app.submit(&app.held(release)).await.unwrap();
    app.permit().unwrap();
    // the second instance never comes
    let half = app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    app.advance(&half.name, half.step_index, false).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "VERDICT_FAIL"), "{ended:#?}");
    let failed = ended.steps.iter().find(|it| it.state() == step_status::State::Failed).unwrap();
    assert_eq!((failed.kind.as_str(), skipped(&ended)), ("SCALE", 1), "{ended:#?}");
    let (tally, target) = (load.tally(), app.target().await.unwrap());
    assert_eq!((tally.failed, share_of(&target, &fleet_of(&ended))), (0, 0.0), "{:?}", tally.failures);
}

/// Little traffic, and little time.
fn undecided(version: &str) -> Release {
    let mut release = Release::canary(version);
    release.strategy.bake = Some(Bake { min: millis(500), max: millis(2_000), no_checks: false });
    release.strategy.final_bake = release.strategy.bake;
    release
}

async fn undecided_at_max_follows_the_policy(stack: &Stack, name: &str, action: FailureAction) {
    let policy = |it: &mut Deployment| it.policy.as_mut().unwrap().on_undecided = action.into();
    let app = App::serving(stack, name, 1, policy).await.unwrap();
    let load = app.load(8);
    let release = app.submit(&undecided("2")).await.unwrap();
    let numbers = |it: &bellwether_proto::common::v1::Reason| {
        it.code == "UNDECIDED_AT_MAX"
            && it.values.get("max_seconds").is_some_and(|max| max == "2")
            && it.values.len() > 1
    };
    let ended = match action {
        FailureAction::Advance => {
            let ended = app.ended(&release).await.unwrap();
            assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
            let bakes = ended.steps.iter().filter(|it| it.kind == "BAKE");
            assert!(bakes.clone().count() == 2, "{ended:#?}");
            let by_policy = bakes.filter(|it| it.reason.as_ref().is_some_and(numbers)).count();
            assert!(by_policy >= 1, "with the numbers: {:#?}", ended.steps);
            ended
        }
        _ => {
            let asks = app.until(&release, held_undecided).await.unwrap();
            assert_eq!((asks.state(), at(&asks)), (State::Running, ("BAKE", 50.0)), "{asks:#?}");
            app.abort(&asks.name, "").await.unwrap();
            app.ended(&release).await.unwrap()
        }
    };
    assert!(is_over(ended.state()));
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

/// A release that is being previewed while users are on stable, with a load on each.
struct Previewed<'s> {
    app: App<'s>,
    release: String,
    users: Load,
    previews: Load,
}

/// Both versions need this file.
async fn previewed<'s>(stack: &'s Stack, name: &str, database: &Path) -> Previewed<'s> {
    let preview = free_address().unwrap();
    let app = App::new(stack, name, 1, |it| {
        it.preview = Some(Ingress { listen: preview.to_string(), ..Default::default() });
    });
    let app = app.await.unwrap();
    let needing = |release: Release| release.set("SHOP_NEEDS", database.to_str().unwrap());
    let first = app.submit(&needing(Release::unjudged("1"))).await.unwrap();
    assert_eq!(app.ended(&first).await.unwrap().state(), State::Succeeded);
    let users = app.load(60);
    let mut release = needing(Release::unjudged_by("2", Kind::BlueGreen));
    release.strategy.preview_bake = Release::endless("2").strategy.bake;
    // what follows is judged too: only then somebody looks at the preview
    release.strategy.final_bake = short_bake();
    let release = app.submit(&release).await.unwrap();
    app.until(&release, |it| step(it).is_some_and(|it| it.kind == "BAKE")).await.unwrap();
    let previews = shop::load(stack, preview, 20);
    until("the preview is used", || async { (previews.tally().good > 20).then_some(()) }).await.unwrap();
    Previewed { app, release, users, previews }
}

fn in_common_mode(rollout: &Rollout) -> bool {
    let reason = rollout.verdict.as_ref().and_then(|it| it.reason.as_ref());
    reason.is_some_and(|it| it.code == "COMMON_MODE")
}

async fn a_shared_outage_holds_all_and_takes_none_back(stack: &Stack) {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("database");
    std::fs::write(&database, "").unwrap();
    let (one, other) =
        tokio::join!(previewed(stack, "shared", &database), previewed(stack, "shared-too", &database));
    std::fs::remove_file(&database).unwrap();
    for it in [&one, &other] {
        let held = it.app.until(&it.release, in_common_mode).await.unwrap();
        assert_eq!((held.state(), at(&held)), (State::Running, ("BAKE", 0.0)), "{held:#?}");
        // ten times as many as a FAIL needs where stable is well
        let seen = it.previews.tally().injected;
        until("more fails", || async { (it.previews.tally().injected > seen + 60).then_some(()) })
            .await
            .unwrap();
        let still = it.app.rollout(&held.name).await.unwrap();
        assert_eq!((still.state(), at(&still)), (State::Running, ("BAKE", 0.0)), "{still:#?}");
    }
    std::fs::write(&database, "").unwrap();
    for it in [&one, &other] {
        let well = it.app.until(&it.release, |it| !in_common_mode(it)).await.unwrap();
        assert_eq!(well.state(), State::Running, "{well:#?}");
        it.app.advance(&well.name, well.step_index, true).await.unwrap();
        let ended = it.app.ended(&it.release).await.unwrap();
        assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
        let tally = it.users.tally();
        assert_eq!(tally.failed, 0, "{:?}", tally.failures);
    }
}

async fn advance_one_then_all_and_abort_wins(stack: &Stack) {
    let app = App::serving(stack, "advanced", 2, |_| ()).await.unwrap();
    let mut release = Release::endless("2").weights(&[10.0, 50.0, 100.0]);
    release.strategy.final_bake = endless();
    let name = app.submit(&release).await.unwrap();
    let tenth = app.until(&name, |it| at(it) == ("BAKE", 10.0)).await.unwrap();
    app.pause(&tenth.name, false).await.unwrap();
    app.resume(&tenth.name).await.unwrap();
    let stale = app.advance(&tenth.name, 0, false).await.unwrap_err();
    assert_eq!(stale.code(), tonic::Code::Aborted, "another step is at work: {stale:?}");
    app.advance(&tenth.name, tenth.step_index, false).await.unwrap();
    let half = app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    assert_eq!(skipped(&half), 1);
    app.advance(&half.name, half.step_index, true).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), skipped(&ended)), (State::Succeeded, 3), "{ended:#?}");
    let filter = format!("target = \"{}\"", app.target_name());
    let request = ListAnalysesRequest { filter, ..Default::default() };
    let analyses = stack.monitor().list_analyses(request).await.unwrap().into_inner().analyses;
    let segments: Vec<i32> = analyses.iter().map(|it| it.segment.as_ref().unwrap().index).collect();
    assert_eq!(segments, [3], "one analysis through all segments");

    let mut release = app.held(Release::endless("3"));
    release.strategy.final_bake = endless();
    let name = app.submit(&release).await.unwrap();
    app.permit().unwrap();
    let half = app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    app.advance(&half.name, half.step_index, true).await.unwrap();
    app.abort(&half.name, "").await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "ABORTED"), "abort wins: {ended:#?}");
}

/// Waits for the verdicts to stop, in a bake.
async fn silent(app: &App<'_>, release: &str) -> Rollout {
    let silent = |it: &Rollout| it.verdict.as_ref().is_some_and(|it| it.decision() == Decision::NoData);
    app.until(release, silent).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r30_no_data_holds_until_it_returns_or_for_max_hold() {
    let stack = stage().await;
    let short = |it: &mut Deployment| it.policy.as_mut().unwrap().max_hold = millis(500);
    let (patient, hasty) =
        tokio::join!(App::serving(&stack, "patient", 1, |_| ()), App::serving(&stack, "hasty", 1, short));
    let (patient, hasty) = (patient.unwrap(), hasty.unwrap());
    let loads = [patient.load(100), hasty.load(20)];
    let mut release = Release::canary("2");
    release.strategy.bake = Some(Bake { min: millis(6_000), max: millis(120_000), no_checks: false });
    let waits = patient.submit(&release).await.unwrap();
    let goes = hasty.submit(&Release::endless("2")).await.unwrap();
    for (app, name) in [(&patient, &waits), (&hasty, &goes)] {
        app.until(name, |it| at(it) == ("BAKE", 50.0) && it.verdict.is_some()).await.unwrap();
    }
    // whoever tells the monitor what the gateway has seen; the gateway goes on
    let supervisor = stack.supervisor().unwrap();
    signal_id(supervisor, Signal::STOP).unwrap();
    let held = silent(&patient, &waits).await;
    assert_eq!((held.state(), at(&held)), (State::Running, ("BAKE", 50.0)));
    let over = hasty.until(&goes, |it| it.state() != State::Running).await.unwrap();
    assert_eq!(code(&over), "NO_DATA", "{over:#?}");
    assert_eq!(patient.rollout(&held.name).await.unwrap().state(), State::Running, "it holds");
    signal_id(supervisor, Signal::CONT).unwrap();
    let ended = patient.ended(&waits).await.unwrap();
    assert_eq!((ended.state(), skipped(&ended)), (State::Succeeded, 0), "it went on by itself: {ended:#?}");
    assert_eq!(hasty.ended(&goes).await.unwrap().state(), State::RolledBack);
    assert!(
        loads.iter().all(|it| it.tally().failed == 0),
        "{:?}",
        loads.each_ref().map(|it| it.tally().failures)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r29_r32_r35_r49_what_verdicts_and_people_do() {
    let stack = stage().await;
    tokio::join!(
        fail_between_steps_acts_at_once(&stack),
        undecided_at_max_follows_the_policy(&stack, "forward", FailureAction::Advance),
        undecided_at_max_follows_the_policy(&stack, "asking", FailureAction::Unspecified),
        a_shared_outage_holds_all_and_takes_none_back(&stack),
        advance_one_then_all_and_abort_wins(&stack),
    );
}
