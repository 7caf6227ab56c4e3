//! Many targets on the fake platform, through the real processes.

use std::sync::Arc;

use anyhow::Context as _;
use bellwether_clock::spawn;
use bellwether_proto::executor::v1::{
    Rollout, StartRolloutRequest, Strategy, Target, rollout::State, strategy::Kind,
};
use bellwether_tests::stack::{Setup, Stack};
use tokio::sync::Semaphore;

use crate::direct;

/// Calls under way at a time.
const AT_A_TIME: usize = 64;

/// `bellwether up` without an agent, on the fake platform.
///
/// # Errors
/// When it does not start.
pub async fn up(program: &str) -> anyhow::Result<Stack> {
    Stack::start(Setup::one(program).on_fake()).await
}

/// The name of the target of this number.
pub fn name(number: usize) -> String {
    format!("targets/app-{number}@bench")
}

/// Targets 0 to `count` − 1, each serving version 1; the rollouts that brought it in.
///
/// # Errors
/// When one of them does not succeed.
pub async fn serving(stack: &Arc<Stack>, count: usize) -> anyhow::Result<Vec<Rollout>> {
    let deployed = for_all(stack, count, |stack, number| async move {
        let target =
            Target { name: name(number), instances: 4, platform: "fake".to_owned(), ..Default::default() };
        direct::apply(&stack, target).await?;
        direct::start(&stack, direct::rollout(&name(number), "1", direct::at_once())).await
    });
    let rollouts = deployed.await?;
    let mut open: std::collections::HashSet<String> =
        rollouts.iter().map(|rollout| rollout.name.clone()).collect();
    let all_over = direct::follow(stack, "environment = \"bench\"", |rollout| {
        if rollout.state() == State::Succeeded {
            open.remove(&rollout.name);
        }
        open.is_empty()
    });
    all_over.await.context("first deployments")?;
    Ok(rollouts)
}

/// A rollout of version 2 on target 0 that stays at 50 % for longer than anything is measured.
pub fn baking() -> StartRolloutRequest {
    let bake = direct::bake(100_000, true);
    let strategy = Strategy {
        kind: Kind::Canary.into(),
        weights_percent: vec![50.0, 100.0],
        bake,
        ..Default::default()
    };
    direct::rollout(&name(0), "2", strategy)
}

/// Does something for the numbers 0 to `count` − 1, many at a time; the results in their order.
///
/// # Errors
/// The first of theirs.
pub async fn for_all<T, F>(
    stack: &Arc<Stack>,
    count: usize,
    act: impl Fn(Arc<Stack>, usize) -> F,
) -> anyhow::Result<Vec<T>>
where
    T: Send + 'static,
    F: Future<Output = anyhow::Result<T>> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let tasks: Vec<_> = (0..count)
        .map(|number| {
            let (acting, slots) = (act(stack.clone(), number), slots.clone());
            spawn("call", async move {
                let _slot = slots.acquire_owned().await?;
                acting.await
            })
        })
        .collect();
    let mut results = Vec::with_capacity(count);
    for task in tasks {
        results.push(task.await??);
    }
    Ok(results)
}
