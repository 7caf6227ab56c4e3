//! Many rollouts at once on the fake platform: what they take, and whether each ends as it must.
//!
//! One in ten is of a bad version and one in ten of a good one under real verdicts, over samples that are pushed as a
//! gateway pushes them; the others bake without checks.

mod samples;

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::ensure;
use bellwether_client::WatchEvent;
use bellwether_proto::{
    executor::v1::{StartRolloutRequest, Strategy, rollout::State, strategy::Kind},
    monitor::v1::HealthPolicy,
};
use bellwether_tests::{
    shop::{is_over, millis},
    stack::Stack,
};

use self::samples::Gateway;
use crate::{
    direct,
    figures::Figures,
    on_fake,
    resources::{cpu_seconds, peak_resident},
    run::Run,
    stats::{max, median},
};

/// Everything has ended by then.
const PATIENCE: Duration = Duration::from_secs(240);

/// How a rollout is judged, and how it must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    Unjudged,
    Good,
    Bad,
}

/// One run.
struct Outcome {
    ended_right: usize,
    at_once: usize,
    cpu_seconds: f64,
    peak_mib: f64,
    took: Duration,
}

/// 1,000 rollouts at once.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let count = run.pick(1_000, 100);
    let mut outcomes = vec![];
    for _ in 0..run.pick(3, 1) {
        outcomes.push(once(run, count).await?);
    }
    let all = |of: fn(&Outcome) -> f64| outcomes.iter().map(of).collect::<Vec<_>>();
    let right = outcomes.iter().map(|it| it.ended_right).min().unwrap_or(0);
    ensure!(right == count, "only {right} of {count} rollouts ended right");
    let mut figures = Figures::default();
    figures.number("count", count as f64);
    figures.number("ended_right", right as f64);
    figures.number("cpu_seconds", median(&all(|it| it.cpu_seconds)));
    figures.number("rss_mib", max(&all(|it| it.peak_mib)));
    figures.goal("all end right", right == count);
    figures.note(format!(
        "the four services in one process; rss_mib is its peak; at least {:.0} were under way at once; {:.1} s from the \
         first start to the last end",
        -max(&all(|it| -(it.at_once as f64))),
        median(&all(|it| it.took.as_secs_f64()))
    ));
    Ok(figures)
}

async fn once(run: &Run, count: usize) -> anyhow::Result<Outcome> {
    let mut stack = on_fake::up(&run.program).await?;
    let process = stack.process().id();
    let stack = Arc::new(stack);
    let stable = on_fake::serving(&stack, count).await?;
    let judged = stable.iter().enumerate().filter(|(number, _)| kind(*number) != Kinds::Unjudged);
    let gateway =
        Gateway::start(&stack, judged.map(|(number, rollout)| (number, direct::fleet(rollout))).collect());
    let (cpu, start) = (cpu_seconds(process)?, run.env.now());
    let long = run.pick(10_000, 2_000);
    let starting = on_fake::for_all(&stack, count, |stack, number| async move {
        let rollout = direct::start(&stack, request(number, long)).await?;
        anyhow::Ok((rollout.name, kind(number)))
    });
    let (started, ended) = tokio::join!(starting, ends(&stack, &gateway, count));
    let (kinds, (ended, at_once)) = (started?.into_iter().collect::<HashMap<_, _>>(), ended?);
    let right =
        ended.iter().filter(|(name, state)| kinds.get(*name).is_some_and(|kind| **state == kind.end()));
    Ok(Outcome {
        ended_right: right.count(),
        at_once,
        cpu_seconds: cpu_seconds(process)? - cpu,
        peak_mib: peak_resident(process)?,
        took: run.env.since(start),
    })
}

/// Follows all rollouts of version 2 to their ends; also the most that were under way at once.
async fn ends(
    stack: &Stack,
    gateway: &Gateway,
    count: usize,
) -> anyhow::Result<(HashMap<String, State>, usize)> {
    let (mut states, mut at_once) = (HashMap::new(), 0);
    let mut watch = direct::rollouts(stack, "environment = \"bench\"");
    let following = async {
        loop {
            let (WatchEvent::Snapshot(rollout) | WatchEvent::Changed { resource: rollout, .. }) =
                watch.next().await?
            else {
                continue;
            };
            if rollout.spec.as_ref().is_none_or(|spec| spec.version == "1") {
                continue;
            }
            gateway.route(&rollout);
            states.insert(rollout.name.clone(), rollout.state());
            let over = states.values().filter(|state| is_over(**state)).count();
            at_once = at_once.max(states.len() - over);
            if over == count {
                return anyhow::Ok(());
            }
        }
    };
    if tokio::time::timeout(PATIENCE, following).await.is_err() {
        let open: Vec<_> = states.iter().filter(|(_, state)| !is_over(**state)).take(3).collect();
        anyhow::bail!(
            "{} rollouts seen, not all have ended within {PATIENCE:?}, e.g. {open:?}",
            states.len()
        );
    }
    Ok((states, at_once))
}

/// A canary of version 2 on the target of this number; those that are not judged bake for `long` milliseconds.
fn request(number: usize, long: i64) -> StartRolloutRequest {
    let bake = match kind(number) {
        Kinds::Unjudged => direct::bake(long, true),
        Kinds::Good | Kinds::Bad => direct::bake(1_000, false),
    };
    let strategy = Strategy {
        kind: Kind::Canary.into(),
        weights_percent: vec![10.0, 50.0, 100.0],
        bake,
        final_bake: bake,
        ..Default::default()
    };
    let health = HealthPolicy { warm_up: millis(500), ..Default::default() };
    StartRolloutRequest { health: Some(health), ..direct::rollout(&on_fake::name(number), "2", strategy) }
}

fn kind(number: usize) -> Kinds {
    match number % 10 {
        0 => Kinds::Bad,
        5 => Kinds::Good,
        _ => Kinds::Unjudged,
    }
}

// === impl Kinds ===

impl Kinds {
    fn end(self) -> State {
        match self {
            Self::Unjudged | Self::Good => State::Succeeded,
            Self::Bad => State::RolledBack,
        }
    }
}
