//! Looks at what only a call to the outside can tell after a rollback: whether data is intact.
//!
//! The call only reads, so it leaves no intent in the journal: a process that comes after this one makes it again.

use std::time::Duration;

use bellwether_rollout::{Effect, Hook, Input, ItemKind, ItemStatus, Occasion, Outcome, RolloutId, effects};

use crate::{
    hooks::Subject,
    record::Note,
    shell::{Executor, State},
    targets::{TargetEntry, Targets},
};

/// Between two calls that could not tell.
const AGAIN: Duration = Duration::from_secs(5);

/// Looks whenever a recovery waits for it, until the process ends.
pub(crate) async fn run(executor: &Executor, mut state: State) {
    let newest = state.clone();
    loop {
        let wanted = wanted(&state.borrow_and_update());
        let Some((rollout, hook)) = wanted else {
            if state.changed().await.is_err() {
                return;
            }
            continue;
        };
        let told = tokio::select! {
            told = look(executor, &newest, rollout, &hook) => told,
            ended = withdrawn(&mut state, rollout) => if ended { return } else { continue },
        };
        if !told {
            tokio::select! {
                () = tokio::time::sleep(executor.env().jitter(AGAIN, 20)) => {}
                ended = withdrawn(&mut state, rollout) => if ended { return },
            }
        }
    }
}

/// The rollout whose recovery waits for it, and what is called.
fn wanted(entry: &TargetEntry) -> Option<(RolloutId, Hook)> {
    let waits = effects(&entry.state.core).into_iter().find_map(|effect| match effect {
        Effect::Validate { rollout, occasion: Occasion::Recovery, items, .. }
            if items.contains(&ItemKind::DataIntegrity) =>
        {
            Some(rollout)
        }
        _ => None,
    })?;
    let hook = Targets::rollout(entry, waits)?.policies().data_integrity.clone()?;
    Some((waits, hook))
}

/// Returns when it is not waited for any more; true when the process ends.
async fn withdrawn(state: &mut State, rollout: RolloutId) -> bool {
    state.wait_for(|entry| wanted(entry).is_none_or(|it| it.0 != rollout)).await.is_err()
}

/// Calls once and says what was found; whether that was a decision.
async fn look(executor: &Executor, state: &State, rollout: RolloutId, hook: &Hook) -> bool {
    let subject = subject(&state.borrow(), rollout, hook);
    let outcome = executor.hooks().run(&hook.call, hook.timeout, &subject).await;
    let (status, value) = match outcome {
        Outcome::Done { output } if output.is_empty() => (ItemStatus::Pass, "intact".to_owned()),
        Outcome::Done { output } => (ItemStatus::Pass, output),
        Outcome::Failed { error } => (ItemStatus::Fail, error),
        Outcome::Unknown { error } => (ItemStatus::Undecided, error),
        Outcome::TimedOut => (ItemStatus::Undecided, format!("no answer within {:?}", hook.timeout)),
    };
    let (occasion, item, baseline) = (Occasion::Recovery, ItemKind::DataIntegrity, String::new());
    let found = Input::Validation { rollout, occasion, item, status, value, baseline };
    executor.deliver(state, found, Note::default()).await;
    status != ItemStatus::Undecided
}

fn subject(entry: &TargetEntry, id: RolloutId, hook: &Hook) -> Subject {
    let core = &entry.state.core;
    let rollout = Targets::rollout(entry, id);
    let stable = rollout.and_then(|it| core.fleets.get(&it.stable_before?));
    Subject {
        rollout: format!("rollouts/{id}"),
        target: entry.stream.to_string(),
        hook: hook.name.clone(),
        version: stable.map(|it| it.spec.artifact.version.clone()).unwrap_or_default(),
        attempt: rollout.map_or(1, |it| it.recoveries),
        undo: true,
        idempotency_key: format!("{id}/data-integrity/{}", rollout.map_or(1, |it| it.recoveries)),
    }
}
