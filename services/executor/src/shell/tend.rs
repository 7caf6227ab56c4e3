//! Everything that is done for one target, as one task.

use super::{Executor, pulse, seat::Ends};
use crate::{converge, effects, monitor, observe, validate};

/// Looks after a target until the process ends. Its parts are independent of each other: none waits for another one.
pub(super) async fn tend(executor: Executor, ends: Ends) {
    let Ends { state, verdicts } = ends;
    let work = async {
        tokio::join!(
            pulse::run(&executor, state.clone()),
            converge::run(&executor, state.clone()),
            observe::run(&executor, state.clone()),
            effects::run(&executor, state.clone()),
            validate::run(&executor, state.clone()),
            monitor::analyse(&executor, state.clone()),
            monitor::common_mode(&executor, state.clone()),
            monitor::listen(&executor, state.clone(), verdicts),
        );
    };
    tokio::select! {
        () = work => {}
        () = executor.shutdown().triggered() => {}
    }
}
