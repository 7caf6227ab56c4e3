//! Performs the calls that the state has decided on: each attempt once per process, its outcome reported.
//!
//! A call that was found at the start was perhaps made by the process before this one: nobody knows. Where the hook says
//! that it is made again then, it is, with the same key; else it is reported as unknown.

use std::{collections::HashSet, time::Duration};

use bellwether_rollout::{Call, Effect, HookId, HookPlace, Input, OnUnknown, Outcome, effects};
use futures::{StreamExt as _, stream::FuturesUnordered};
use tracing::{Instrument as _, info_span};

use crate::{
    hooks::Subject,
    record::Note,
    shell::{Executor, State},
    targets::{TargetEntry, Targets},
};

/// A call that was decided and has no outcome yet.
#[derive(Clone, Debug)]
struct Decided {
    hook: HookId,
    attempt: u32,
    call: Call,
    timeout: Duration,
    subject: Subject,
    unknown: OnUnknown,
}

/// Performs until the process ends.
pub(crate) async fn run(executor: &Executor, mut state: State) {
    let mut begun = HashSet::new();
    let inherited = decided(executor, &state.borrow_and_update());
    for call in inherited.into_iter().filter(|it| it.unknown == OnUnknown::Ask) {
        begun.insert((call.hook, call.attempt));
        let error = "the executor stopped while the call was under way".to_owned();
        report(executor, &state, &call, Outcome::Unknown { error }).await;
    }
    let mut running = FuturesUnordered::new();
    loop {
        let present = decided(executor, &state.borrow_and_update());
        for call in present {
            if begun.insert((call.hook, call.attempt)) {
                running.push(perform(executor, state.clone(), call));
            }
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            Some(()) = running.next() => {}
        }
    }
}

async fn perform(executor: &Executor, state: State, call: Decided) {
    let mut watched = state.clone();
    let span = info_span!("hook", name = call.subject.hook, key = call.subject.idempotency_key);
    executor.continue_trace(&span, &state.borrow());
    let outcome = tokio::select! {
        outcome = executor.hooks().run(&call.call, call.timeout, &call.subject).instrument(span) => outcome,
        () = withdrawn(executor, &mut watched, &call) => return,
    };
    report(executor, &state, &call, outcome).await;
}

/// Returns when the state does not wait for the call any more: it is cancelled then.
async fn withdrawn(executor: &Executor, state: &mut State, call: &Decided) {
    let waits = |entry: &TargetEntry| decided(executor, entry).iter().any(|it| it.hook == call.hook);
    // fails only with the process
    let _ = state.wait_for(|entry| !waits(entry)).await;
}

async fn report(executor: &Executor, state: &State, call: &Decided, outcome: Outcome) {
    let Decided { hook, attempt, .. } = *call;
    executor.deliver(state, Input::HookOutcome { hook, attempt, outcome }, Note::default()).await;
}

fn decided(executor: &Executor, entry: &TargetEntry) -> Vec<Decided> {
    let calls = effects(&entry.state.core).into_iter().filter_map(|effect| match effect {
        Effect::Hook { id, name, attempt, call, deadline, unknown } => {
            let timeout = executor.env().until(deadline);
            let subject = subject(entry, id, name, attempt);
            Some(Decided { hook: id, attempt, call, timeout, subject, unknown })
        }
        // told to the platform by the one who converges it
        Effect::HandBack => None,
        // looked at by `validate` and by the monitor
        Effect::Validate { .. } => None,
        // answered by callers: they see it in what the rollout waits for
        Effect::Handoff { .. } | Effect::Gate { .. } => None,
    });
    calls.collect()
}

fn subject(entry: &TargetEntry, id: HookId, hook: String, attempt: u32) -> Subject {
    let rollout = Targets::rollout(entry, id.rollout);
    Subject {
        rollout: format!("rollouts/{}", id.rollout),
        target: entry.stream.to_string(),
        hook,
        version: rollout.map(|it| it.request.fleet.artifact.version.clone()).unwrap_or_default(),
        attempt,
        undo: matches!(id.place, HookPlace::Undo(_)),
        idempotency_key: id.idempotency_key(),
    }
}
