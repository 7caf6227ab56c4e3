//! Instance counts that change in the middle of a rollout.

use std::cell::Cell;

use bellwether_proto::{
    executor::v1::{Rollout, rollout::State, scale::Size, strategy::Kind},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    shop::{self, Release, is_over, millis},
    stack::Stack,
};

use super::{
    observe::{at, fleet_of, stable_ids, stable_of},
    stage::{at_step, code, counts, gate, ready, scale, share, share_of, stage},
};

/// Over all that is seen: the most instances, and the fewest that are ready.
struct Seen {
    most: Cell<usize>,
    least: Cell<usize>,
}

// === impl Seen ===

impl Seen {
    fn new() -> Self {
        Self { most: Cell::new(0), least: Cell::new(usize::MAX) }
    }

    /// Never fewer than `least` were ready, never more than `most` were there.
    fn within(&self, least: usize, most: usize) {
        let (fewest, most_seen) = (self.least.get(), self.most.get());
        assert!(fewest >= least && most_seen <= most, "{fewest} to {most_seen} instances");
    }

    fn see(&self, rollout: &Rollout) {
        let ready = rollout.instances.iter().filter(|it| it.ready && !it.draining).count();
        self.most.set(self.most.get().max(rollout.instances.len()));
        self.least.set(self.least.get().min(ready));
    }
}

async fn scale_and_weight_are_set_apart(stack: &Stack) {
    let app = App::serving(stack, "apart", 4, |_| ()).await.unwrap();
    let before = app.target().await.unwrap();
    let steps = [
        gate("a"),
        scale(Size::Percent(25.0)),
        gate("b"),
        share(25.0),
        gate("c"),
        scale(Size::Count(3)),
        share(50.0),
        gate("d"),
        scale(Size::MatchTraffic(true)),
        gate("e"),
    ];
    let name = app.submit(&Release::steps("2", steps)).await.unwrap();
    let mut seen = Vec::new();
    for (id, index) in [("a", 0), ("b", 2), ("c", 4), ("d", 7), ("e", 9)] {
        let waits = app.until(&name, |it| at_step(it, index)).await.unwrap();
        let target = app.target().await.unwrap();
        seen.push((counts(&target, &waits).0, share_of(&target, &fleet_of(&waits))));
        assert_eq!(stable_ids(&target), stable_ids(&before), "stable keeps its instances");
        app.approve(&waits, id).await.unwrap();
    }
    assert_eq!(seen, [(0, 0.0), (1, 0.0), (1, 25.0), (3, 50.0), (2, 50.0)]);
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert_eq!(stable_ids(&app.target().await.unwrap()).len(), 4);
}

async fn shares_are_kept_while_n_changes(stack: &Stack) {
    let mut app = App::serving(stack, "shares", 4, |_| ()).await.unwrap();
    let name = app.submit(&Release::endless("2").weights(&[25.0, 100.0])).await.unwrap();
    let baking = app.until(&name, |it| at(it) == ("BAKE", 25.0)).await.unwrap();
    app.pause(&baking.name, false).await.unwrap();
    for (n, candidate) in [(8, 2), (4, 1)] {
        app.deployment.instances = n;
        app.apply().await.unwrap();
        let wanted = (candidate, n as usize);
        let fleet = fleet_of(&baking);
        let followed = app.target_until("both follow n", |it| {
            let ready = (ready(&it.instance_states, &fleet), ready(&it.instance_states, &stable_of(it)));
            counts(it, &baking) == wanted && ready == wanted
        });
        assert_eq!(share_of(&followed.await.unwrap(), &fleet), 25.0);
    }
    app.abort(&baking.name, "").await.unwrap();
    assert_eq!(app.ended(&name).await.unwrap().state(), State::RolledBack);
}

/// Follows a release to its end, and looks all the time.
async fn looked_at(stack: &Stack, release: &str, seen: &Seen) -> Rollout {
    let over = |it: &Rollout| {
        if it.state() == State::Running && !it.instances.is_empty() {
            seen.see(it);
        }
        is_over(it.state())
    };
    shop::rollout_until(stack, release, over).await.unwrap()
}

async fn scaled_to(app: &mut App<'_>, instances: i32, ready_ones: usize) {
    app.deployment.instances = instances;
    app.apply().await.unwrap();
    let followed = app.target_until("it follows n", |it| {
        it.instances == instances && it.instance_states.iter().filter(|it| it.ready).count() >= ready_ones
    });
    followed.await.unwrap();
}

async fn rolling_scaled_in_the_middle_completes(stack: &Stack) {
    let mut app = App::serving(stack, "rolled", 4, |_| ()).await.unwrap();
    let load = app.load(60);
    let mut release = Release::unjudged_by("2", Kind::Rolling);
    (release.strategy.batch, release.strategy.max_surge) = (1, Some(4));
    let name = app.submit(&release).await.unwrap();
    let seen = Seen::new();
    let scaling = async {
        app.until(&name, |it| ready(&it.instances, &fleet_of(it)) > 0).await.unwrap();
        scaled_to(&mut app, 8, 8).await;
        scaled_to(&mut app, 4, 4).await;
    };
    let (ended, ()) = tokio::join!(looked_at(stack, &name, &seen), scaling);
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    seen.within(4, 16);
    let fleet = fleet_of(&ended);
    let done = app.target_until("nothing else is left", |it| {
        stable_of(it) == fleet && ready(&it.instance_states, &fleet) == 4 && it.instance_states.len() == 4
    });
    done.await.unwrap();
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

async fn a_bad_rolling_candidate_never_takes_capacity(stack: &Stack) {
    let deadline = |it: &mut Deployment| it.policy.as_mut().unwrap().progress_deadline = millis(8_000);
    let mut app = App::serving(stack, "bad", 4, deadline).await.unwrap();
    let load = app.load(60);
    let mut release = app.held(Release::unjudged_by("2", Kind::Rolling));
    (release.strategy.batch, release.strategy.max_surge) = (2, Some(2));
    let name = app.submit(&release).await.unwrap();
    let seen = Seen::new();
    let scaling = async {
        app.until(&name, |it| it.instances.len() > 4).await.unwrap();
        scaled_to(&mut app, 8, 4).await;
        scaled_to(&mut app, 4, 4).await;
    };
    let (ended, ()) = tokio::join!(looked_at(stack, &name, &seen), scaling);
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "PROGRESS_DEADLINE"), "{ended:#?}");
    seen.within(4, 8 + 2 + 4);
    let after = app.target().await.unwrap();
    assert_eq!((stable_ids(&after).len(), share_of(&after, &stable_of(&after))), (4, 100.0));
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);
    assert!(!tally.versions.contains_key("2"), "it never served");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r04_r05_r06_r07_counts_and_shares_while_n_changes() {
    let stack = stage().await;
    tokio::join!(
        scale_and_weight_are_set_apart(&stack),
        shares_are_kept_while_n_changes(&stack),
        rolling_scaled_in_the_middle_completes(&stack),
        a_bad_rolling_candidate_never_takes_capacity(&stack),
    );
}
