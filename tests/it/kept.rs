//! The way back to a fleet that is still there: one route.

use bellwether::load::Load;
use bellwether_proto::{
    executor::v1::{Rollout, Target, rollout::State, step_status},
    planner::v1::{Deployment, RollbackReleaseRequest},
};
use bellwether_tests::{
    app::App,
    shop::{Release, is_over, millis, unjudged_bake},
    stack::Stack,
};

use super::{
    observe::{at, fleet_of, stable_ids, stable_of},
    stage::{code, newest, overloaded, routed, seconds, share_of, stage},
};

/// A fleet that serves, with its very processes.
struct Before {
    target: Target,
    processes: Vec<u32>,
}

// === impl Before ===

impl Before {
    async fn of(app: &App<'_>) -> Self {
        let target = app.target().await.unwrap();
        let processes = app.processes(&stable_of(&target));
        assert_eq!(processes.len(), stable_ids(&target).len());
        Self { target, processes }
    }

    /// It serves alone again, nothing of it was started or stopped, and the route was changed once since this revision.
    async fn serves_again(&self, app: &App<'_>, revision: i64, load: &Load) {
        let (after, fleet) = (app.target().await.unwrap(), stable_of(&self.target));
        assert_eq!((stable_of(&after), share_of(&after, &fleet)), (fleet.clone(), 100.0));
        assert_eq!(stable_ids(&after), stable_ids(&self.target));
        assert_eq!(app.processes(&fleet), self.processes, "its very processes");
        assert_eq!(routed(app).await.revision, revision + 1, "one change of the route");
        assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
    }
}

async fn a_rollback_within_keep_is_one_route(stack: &Stack) {
    let keep = |it: &mut Deployment| it.policy.as_mut().unwrap().keep = millis(600_000);
    let app = App::serving(stack, "kept", 2, keep).await.unwrap();
    let before = Before::of(&app).await;
    let load = app.load(100);
    let name = app.submit(&Release::unjudged("2")).await.unwrap();
    let second = app.ended(&name).await.unwrap();
    assert_eq!(second.state(), State::Succeeded, "{second:#?}");
    let revision = routed(&app).await.revision;
    let request =
        RollbackReleaseRequest { name, reason: "customers complain".to_owned(), ..Default::default() };
    stack.planner().rollback_release(request).await.unwrap();
    let back = newest(&app, "it is back", |it| it.rollback_of == second.name && is_over(it.state())).await;
    assert_eq!((back.state(), back.spec.as_ref().unwrap().version.as_str()), (State::Succeeded, "1"));
    let asked = seconds(back.metadata.as_ref().unwrap().create_time.as_ref());
    let routed = back.steps.iter().find(|it| it.kind == "ROUTE").unwrap();
    let took = seconds(routed.end_time.as_ref()) - asked;
    assert!(took < 1.0 || overloaded(), "{took} s: {back:#?}");
    assert!(app.processes(&fleet_of(&back)).is_empty(), "nothing was started");
    before.serves_again(&app, revision, &load).await;
    assert_eq!(app.rollout(&second.name).await.unwrap().state(), State::Succeeded, "it stays what it was");
    let gone = app.target_until("what was taken back goes", |it| {
        it.instance_states.iter().all(|it| it.fleet == stable_of(&before.target))
    });
    gone.await.unwrap();
}

/// A canary of which nothing is known before it has all the traffic.
fn found_out_late() -> Release {
    let mut release = Release::canary("2").set("SHOP_ERRORS_PERCENT", "50");
    (release.strategy.bake, release.strategy.final_bake) =
        (unjudged_bake(), Release::endless("2").strategy.bake);
    release
}

fn undone(rollout: &Rollout, kind: &str) -> usize {
    rollout.steps.iter().filter(|it| it.undo && it.kind == kind).count()
}

async fn the_last_bake_fails_and_the_kept_fleet_serves_again(stack: &Stack) {
    let app = App::serving(stack, "late", 2, |_| ()).await.unwrap();
    let before = Before::of(&app).await;
    let name = app.submit(&found_out_late()).await.unwrap();
    app.until(&name, |it| at(it) == ("BAKE", 100.0)).await.unwrap();
    assert_eq!(stable_of(&app.target().await.unwrap()), stable_of(&before.target), "not before Promote");
    let revision = routed(&app).await.revision;
    let load = app.load(100);
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "VERDICT_FAIL"), "{ended:#?}");
    let promote = ended.steps.iter().find(|it| it.kind == "PROMOTE").unwrap();
    assert_eq!(promote.state(), step_status::State::Pending, "{ended:#?}");
    assert_eq!(undone(&ended, "ROUTE"), 1, "{ended:#?}");
    assert!(load.tally().injected > 0, "it had served");
    before.serves_again(&app, revision, &load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r19_r44_back_to_a_kept_fleet_is_one_route() {
    let stack = stage().await;
    tokio::join!(
        a_rollback_within_keep_is_one_route(&stack),
        the_last_bake_fails_and_the_kept_fleet_serves_again(&stack),
    );
}
