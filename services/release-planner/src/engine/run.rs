//! The loop.

use std::{collections::BTreeMap, time::Duration};

use bellwether_client::Backoff;
use bellwether_clock::{Timestamp, spawn};
use bellwether_server::Shutdown;
use tokio::task::JoinHandle;

use super::{follow, start::Start, targets::TargetTask};
use crate::planner::Planner;

/// Looked at this often although nothing has happened and nothing is due: a lost wake-up costs no more.
const AT_MOST: Duration = Duration::from_secs(60);

/// Something that is being asked of the executor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Task {
    Start(Start),
    Target(TargetTask),
}

/// Runs until `shutdown`.
pub(crate) async fn run(planner: Planner, shutdown: Shutdown) {
    let followers = [
        spawn("follow rollouts", follow::rollouts(planner.clone())),
        spawn("follow targets", follow::targets(planner.clone())),
    ];
    let mut tasks: BTreeMap<Task, JoinHandle<()>> = BTreeMap::new();
    let mut backoff = Backoff::new(planner.env().clone(), Duration::from_millis(50), Duration::from_secs(5));
    while !shutdown.is_triggered() {
        let look_at = match planner.settle().await {
            Ok(look_at) => {
                backoff.reset();
                look_at
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "the engine will try again");
                planner.now().checked_add(backoff.pause(None)).ok()
            }
        };
        ask(&planner, &mut tasks);
        tokio::select! {
            () = shutdown.triggered() => {}
            () = planner.woken() => {}
            () = tokio::time::sleep(until(&planner, look_at)) => {}
        }
    }
    followers.iter().for_each(JoinHandle::abort);
    tasks.values().for_each(JoinHandle::abort);
}

/// Starts what has to be asked of the executor and is not being asked yet.
fn ask(planner: &Planner, tasks: &mut BTreeMap<Task, JoinHandle<()>>) {
    tasks.retain(|_, task| !task.is_finished());
    let book = planner.stores().book();
    for target in TargetTask::all(&book) {
        tasks
            .entry(Task::Target(target.clone()))
            .or_insert_with(|| spawn("apply target", target.run(planner.clone())));
    }
    for start in Start::all(&book) {
        tasks
            .entry(Task::Start(start.clone()))
            .or_insert_with(|| spawn("start rollout", start.run(planner.clone())));
    }
}

fn until(planner: &Planner, look_at: Option<Timestamp>) -> Duration {
    // timers fire early by up to a millisecond; looking before the moment would only look again
    let left = look_at.map(|at| planner.env().until(at) + Duration::from_millis(1));
    left.unwrap_or(AT_MOST).min(AT_MOST)
}
