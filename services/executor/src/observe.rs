//! What platforms and routers show becomes input.

use std::time::Duration;

use bellwether_platform::Driver;
use bellwether_rollout::Input;
use futures::StreamExt as _;

use crate::{
    record::Note,
    shell::{Executor, State},
    targets::Targets,
};

/// Before a stream that ended is opened again.
const AGAIN: Duration = Duration::from_secs(1);

/// Follows the target's platform and router until the process ends.
pub(crate) async fn run(executor: &Executor, mut state: State) {
    let newest = state.clone();
    loop {
        let named = names(&state);
        let driver = executor.drivers().get(&named.0, &named.1);
        tokio::select! {
            () = follow(executor, &newest, driver) => tokio::time::sleep(AGAIN).await,
            ended = renamed(&mut state, &named) => if ended { return },
        }
    }
}

async fn follow(executor: &Executor, state: &State, driver: Option<Driver>) {
    let Some(driver) = driver else { return std::future::pending().await };
    let target = Targets::name(&state.borrow().stream).to_owned();
    let mut seen = std::pin::pin!(driver.watch(&target));
    while let Some(observed) = seen.next().await {
        match observed {
            Ok(observed) => {
                executor.deliver(state, Input::Observed(Box::new(observed)), Note::default()).await;
            }
            Err(error) => tracing::warn!(%target, %error, "the target cannot be observed"),
        }
    }
}

/// Returns when the target has another platform or router; true when the process ends.
async fn renamed(state: &mut State, named: &(String, String)) -> bool {
    loop {
        if state.changed().await.is_err() {
            return true;
        }
        if names(state) != *named {
            return false;
        }
    }
}

fn names(state: &State) -> (String, String) {
    state.borrow().state.driver.clone()
}
