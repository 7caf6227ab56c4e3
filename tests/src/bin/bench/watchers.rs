//! How soon many watchers hear of a change: from the time that its event bears, which is before its commit, to the
//! message decoded in the watcher's hands.

mod watcher;

use std::sync::Arc;

use anyhow::Context as _;
use bellwether_client::Transport;
use bellwether_proto::executor::v1::{PauseRolloutRequest, ResumeRolloutRequest, Rollout, Target};
use bellwether_tests::{stack::Stack, wait::until};

use self::watcher::Watchers;
use crate::{
    direct,
    figures::Figures,
    on_fake,
    resources::resident,
    run::Run,
    stats::{median, quantile},
};

/// Half of them follow rollouts, half targets.
const WATCHERS: usize = 1_000;
/// Streams on one connection.
const PER_CONNECTION: usize = 100;

/// 1,000 watchers.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let mut stack = on_fake::up(&run.program).await?;
    let process = stack.process().id();
    let stack = Arc::new(stack);
    on_fake::serving(&stack, 1).await?;
    let rollout = direct::start(&stack, on_fake::baking()).await?;
    let watchers = watch_all(&stack, run).await?;
    let mut changes = Changes { stack: &stack, rollout };
    // the first ones find cold caches
    for number in 0..run.pick(220, 30) {
        if number == 20 {
            watchers.forget();
        }
        let (rollout, target) = (changes.of_rollout(number).await?, changes.of_target(number).await?);
        until("every watcher hears of the change", || {
            let all = watchers.all_have(rollout, target);
            async move { all.then_some(()) }
        })
        .await?;
    }
    let took = watchers.took();
    let p99 = quantile(&took, 0.99);
    let mut figures = Figures::default();
    figures.number("count", WATCHERS as f64);
    figures.numbers("fanout_ms", &[("p50", median(&took)), ("p99", p99)]);
    figures.number("rss_mib", resident(process)?);
    figures.goal("p99 of the fan-out below 100 ms", p99 < 100.0);
    figures.note(format!(
        "{} messages received, from the event's time (before its commit) to the decoded message; the watchers share the \
         machine with the services",
        took.len()
    ));
    Ok(figures)
}

async fn watch_all(stack: &Stack, run: &Run) -> anyhow::Result<Watchers> {
    let mut watchers = Watchers::new(run.env.clone());
    for _ in 0..WATCHERS / PER_CONNECTION {
        let transport = Transport::builder(format!("http://{}", stack.listen())).build()?;
        for number in 0..PER_CONNECTION {
            match number % 2 {
                0 => watchers.of_rollouts(transport.clone()).await?,
                _ => watchers.of_targets(transport.clone()).await?,
            }
        }
    }
    until("every watcher is up to date", || {
        let current = watchers.current();
        async move { (current == WATCHERS).then_some(()) }
    })
    .await?;
    Ok(watchers)
}

/// Things that happen.
struct Changes<'a> {
    stack: &'a Stack,
    rollout: Rollout,
}

// === impl Changes ===

impl Changes<'_> {
    /// The rollout is paused, or goes on; its version then.
    async fn of_rollout(&mut self, number: usize) -> anyhow::Result<i64> {
        let (name, reason) = (self.rollout.name.clone(), "measuring".to_owned());
        let mut executor = self.stack.executor();
        let rollout = if number.is_multiple_of(2) {
            let request = PauseRolloutRequest { name, reason, ..Default::default() };
            executor.pause_rollout(request).await?.into_inner().rollout
        } else {
            let request = ResumeRolloutRequest { name, reason, ..Default::default() };
            executor.resume_rollout(request).await?.into_inner().rollout
        };
        Ok(rollout.and_then(|rollout| rollout.metadata).context("no rollout")?.version)
    }

    /// The target gets another number of instances; its version then.
    async fn of_target(&self, number: usize) -> anyhow::Result<i64> {
        let instances = 4 + i32::from(number.is_multiple_of(2));
        let target =
            Target { name: on_fake::name(0), instances, platform: "fake".to_owned(), ..Default::default() };
        Ok(direct::apply(self.stack, target).await?.metadata.context("no version")?.version)
    }
}
