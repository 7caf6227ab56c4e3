//! Following the other services: each of their streams from a durable cursor, each fact to the outbox.
//!
//! # Guarantees
//! - A fact is in the outbox before the cursor has passed it, in one commit; read again it makes nothing new.
//! - A service that is down delays its own facts and nothing else.
//! - Where facts are beyond reach (the first start, a token that has expired, a journal that was begun anew) what has
//!   changed since the last fact is told as it stands now, so that no end is missed.

mod place;
mod releases;
mod rollouts;
mod stream;
mod targets;
mod verdicts;

use std::sync::Arc;

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_server::Shutdown;
use tokio::task::JoinHandle;

use crate::outbox::Outbox;

/// Whom to follow; whoever is missing is not followed.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The release-planner.
    pub planner: Option<Transport>,
    /// The executor.
    pub executor: Option<Transport>,
    /// The health-monitor.
    pub monitor: Option<Transport>,
}

/// What every follower has.
#[derive(Clone)]
struct Context {
    outbox: Arc<Outbox>,
    env: Env,
    shutdown: Shutdown,
}

/// Follows them until `shutdown`.
pub(crate) fn start(
    sources: Sources,
    outbox: Arc<Outbox>,
    env: Env,
    shutdown: Shutdown,
) -> Vec<JoinHandle<()>> {
    let context = Context { outbox, env, shutdown };
    let mut tasks = Vec::new();
    if let Some(planner) = sources.planner {
        tasks.push(spawn("follow releases", releases::follow(context.clone(), planner)));
    }
    if let Some(executor) = sources.executor {
        tasks.push(spawn("follow rollouts", rollouts::follow(context.clone(), executor.clone())));
        tasks.push(spawn("follow targets", targets::follow(context.clone(), executor)));
    }
    if let Some(monitor) = sources.monitor {
        tasks.push(spawn("follow verdicts", verdicts::follow(context, monitor)));
    }
    tasks
}
