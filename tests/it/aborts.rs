//! Aborting at every step of every recipe.

use bellwether_proto::{
    executor::v1::{Ingress, Rollout, rollout::State, strategy::Kind},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    ports::free_address,
    shop::{Release, is_over, millis},
    stack::Stack,
};
use tonic::Code;

use super::{
    observe::{fleet_of, stable_ids, stable_of},
    stage::{code, counts, share_of, stage},
};

const INSTANCES: i32 = 2;

/// A recipe and the kinds of its steps.
struct Recipe {
    name: &'static str,
    make: fn(Release) -> Release,
    kind: Kind,
    steps: &'static [&'static str],
    /// Whether stable keeps its very instances.
    keeps_stable: bool,
    preview: bool,
}

const CANARY: &[&str] = &["SCALE", "ROUTE", "BAKE", "SCALE", "ROUTE", "BAKE", "PROMOTE"];
const ROLLING: &[&str] = &["REPLACE", "BAKE", "REPLACE", "ROUTE", "BAKE", "PROMOTE"];

const RECIPES: [Recipe; 8] = [
    Recipe {
        name: "canary",
        make: |it| it.weights(&[50.0, 100.0]),
        kind: Kind::Canary,
        steps: CANARY,
        keeps_stable: true,
        preview: false,
    },
    Recipe {
        name: "blue-green",
        make: |it| it,
        kind: Kind::BlueGreen,
        steps: &["SCALE", "ROUTE", "BAKE", "PROMOTE"],
        keeps_stable: true,
        preview: false,
    },
    Recipe {
        name: "preview",
        make: |mut it| {
            it.strategy.preview_instances = 1;
            it
        },
        kind: Kind::BlueGreen,
        steps: CANARY,
        keeps_stable: true,
        preview: true,
    },
    Recipe {
        name: "ramp",
        make: |it| it.weights(&[50.0, 100.0]),
        kind: Kind::BlueGreenCanary,
        steps: CANARY,
        keeps_stable: true,
        preview: false,
    },
    Recipe {
        name: "surging",
        make: |it| rolling(it, 1, 0),
        kind: Kind::Rolling,
        steps: ROLLING,
        keeps_stable: false,
        preview: false,
    },
    Recipe {
        name: "replacing",
        make: |it| rolling(it, 0, 1),
        kind: Kind::Rolling,
        steps: ROLLING,
        keeps_stable: false,
        preview: false,
    },
    Recipe {
        name: "recreate",
        make: |it| it,
        kind: Kind::Recreate,
        steps: &["ROUTE", "DRAIN", "SCALE", "SCALE", "ROUTE", "BAKE", "PROMOTE"],
        keeps_stable: false,
        preview: false,
    },
    Recipe {
        name: "direct",
        make: |mut it| {
            (it.strategy.bake, it.strategy.final_bake) = (None, None);
            it
        },
        kind: Kind::Direct,
        steps: &["SCALE", "ROUTE", "PROMOTE"],
        keeps_stable: true,
        preview: false,
    },
];

fn rolling(mut release: Release, max_surge: i32, max_unavailable: i32) -> Release {
    let strategy = &mut release.strategy;
    (strategy.batch, strategy.max_surge) = (1, Some(max_surge));
    strategy.max_unavailable = Some(max_unavailable);
    release
}

/// Brings a rollout to where this step has started and nothing after it can; none: it had gone on before it was held.
async fn brought_to(app: &App<'_>, release: &str, index: i32) -> Option<Rollout> {
    let running = app.until(release, |it| it.state() == State::Running).await.unwrap();
    app.pause(&running.name, true).await.unwrap();
    loop {
        let now = app.rollout(&running.name).await.unwrap();
        assert!(!is_over(now.state()), "{now:#?}");
        match now.step_index {
            step if step > index => return None,
            step if step == index => return Some(now),
            step => {
                app.advance(&now.name, step, false).await.unwrap();
                app.until(release, |it| it.step_index > step).await.unwrap();
            }
        }
    }
}

/// Aborts a rollout at this step, and returns it as it ended. What had gone on by then is tried again with another version.
async fn aborted_at(app: &App<'_>, recipe: &Recipe, index: usize) -> Rollout {
    for attempt in 0..10 {
        let version = format!("{}.{index}.{attempt}", recipe.name);
        let release = (recipe.make)(Release::unjudged_by(&version, recipe.kind));
        let name = match recipe.kind {
            // the planner keeps it for rollbacks
            Kind::Direct => app.start_by_hand(&release).await.unwrap(),
            _ => app.submit(&release).await.unwrap(),
        };
        let at = brought_to(app, &name, i32::try_from(index).unwrap()).await;
        let etag = at.as_ref().map(|it| it.metadata.clone().unwrap().etag).unwrap_or_default();
        let rollout = app.until(&name, |_| true).await.unwrap();
        let refused = app.abort(&rollout.name, &etag).await.err();
        if refused.as_ref().is_some_and(|it| it.code() == Code::Aborted) {
            // the step had come to its end in between: it is still this one
            app.abort(&rollout.name, "").await.unwrap();
        } else if let Some(refused) = refused {
            panic!("{version}: {refused}");
        }
        let ended = app.ended(&name).await.unwrap();
        if at.is_some() {
            return ended;
        }
    }
    panic!("{} is never caught at step {index}", recipe.name);
}

/// capacity → route → verify → drain → remove; what cannot run twice is stopped before its capacity comes back.
fn in_order(rollout: &Rollout, recipe: &Recipe) {
    let undone: Vec<&str> = rollout.steps.iter().filter(|it| it.undo).map(|it| it.kind.as_str()).collect();
    assert!(rollout.steps.iter().filter(|it| it.undo).all(|it| it.end_time.is_some()), "{undone:?}");
    let place = |kind| undone.iter().position(|it| *it == kind);
    let order = ["ROUTE", "VERIFY_ROUTE", "DRAIN", "REMOVE"].map(place);
    assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{}: {undone:?}", recipe.name);
    if recipe.kind != Kind::Recreate {
        assert_eq!(place("RESTORE_CAPACITY"), Some(0), "{}: {undone:?}", recipe.name);
    }
}

async fn at_every_step(stack: &Stack, recipe: &Recipe) {
    let preview = |it: &mut Deployment| {
        let listen = free_address().unwrap().to_string();
        it.preview = recipe.preview.then(|| Ingress { listen, ..Default::default() });
        // stable is well only when its instances are back
        it.policy.as_mut().unwrap().recovery_max = millis(30_000);
    };
    let mut app = App::serving(stack, recipe.name, INSTANCES, preview).await.unwrap();
    if recipe.kind == Kind::Recreate {
        app.downtime_tolerance = millis(60_000);
        app.apply().await.unwrap();
    }
    let before = app.target().await.unwrap();
    let load = (recipe.kind != Kind::Recreate).then(|| app.load(20));
    for (index, kind) in recipe.steps.iter().enumerate() {
        let ended = aborted_at(&app, recipe, index).await;
        let name = format!("{} at step {index}: {ended:#?}", recipe.name);
        assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "ABORTED"), "{name}");
        let forward: Vec<_> = ended.steps.iter().filter(|it| !it.undo).collect();
        let kinds: Vec<&str> = forward.iter().map(|it| it.kind.as_str()).collect();
        assert_eq!(kinds, recipe.steps, "{name}");
        let begun: Vec<bool> = forward.iter().map(|it| it.start_time.is_some()).collect();
        assert_eq!(begun.iter().filter(|it| **it).count(), index + 1, "{kind}: {name}");
        in_order(&ended, recipe);
        let after = app.target().await.unwrap();
        assert_eq!(stable_of(&after), stable_of(&before), "{name}");
        assert_eq!(share_of(&after, &stable_of(&after)), 100.0, "{name}");
        assert_eq!(counts(&after, &ended), (0, INSTANCES as usize), "{name}");
        assert!(
            !recipe.keeps_stable || stable_ids(&after) == stable_ids(&before),
            "stable was touched: {name}"
        );
        assert!(app.processes(&fleet_of(&ended)).is_empty(), "{name}");
        let again = app.abort(&ended.name, "").await.unwrap_err();
        assert_eq!(again.code(), Code::FailedPrecondition, "{again:?}");
    }
    let failed = load.map(|it| it.tally()).unwrap_or_default();
    assert_eq!(failed.failed, 0, "{}: {:?}", recipe.name, failed.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r11_r12_abort_at_every_step_of_every_recipe() {
    let stack = stage().await;
    futures::future::join_all(RECIPES.iter().map(|recipe| at_every_step(&stack, recipe))).await;
}
