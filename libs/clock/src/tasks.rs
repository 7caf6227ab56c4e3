//! The one place that spawns tasks.

use std::future::Future;

use tokio::task::JoinHandle;
use tracing::{Instrument, info_span};

/// Spawns a named task. A panic in it is logged under that name when the task is dropped by the runtime;
/// whoever needs its end awaits the handle.
pub fn spawn<F>(name: &'static str, task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn_nameless(task.instrument(info_span!("task", task = name)))
}

/// Spawns a task without a name: for those of which there are thousands, each woken for every part of a stream, so that
/// a name would be entered and left more often than anything is done.
#[expect(clippy::disallowed_methods, reason = "the one place that spawns tasks")]
pub fn spawn_nameless<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(task)
}
