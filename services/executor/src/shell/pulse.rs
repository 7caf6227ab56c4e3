//! Time: a tick whenever the state says that something is due.

use bellwether_clock::{Env, Timestamp};
use bellwether_rollout::{Input, wake_at};

use super::{Executor, seat::State};
use crate::record::Note;

/// Ticks until the process stops; at once after a start, for what came due meanwhile.
pub(super) async fn run(executor: &Executor, mut state: State) {
    loop {
        let now = executor.env().now();
        executor.deliver(&state, Input::Tick, Note::default()).await;
        loop {
            let due = {
                let entry = state.borrow_and_update();
                wake_at(&entry.state.core, now.max(entry.update_time))
            };
            tokio::select! {
                () = until(executor.env(), due) => break,
                changed = state.changed() => if changed.is_err() { return },
            }
        }
    }
}

/// Returns at `due`; never where nothing is due.
async fn until(env: &Env, due: Option<Timestamp>) {
    let Some(due) = due else { return std::future::pending().await };
    loop {
        let left = env.until(due);
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left).await;
    }
}
