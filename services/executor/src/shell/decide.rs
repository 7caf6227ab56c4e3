//! From an input to facts, with what belongs to them.

use bellwether_clock::Timestamp;
use bellwether_resource::{Decision, Entry};
use bellwether_rollout::{
    Decision as Verdict, Event, Input, Kind, Refusal, Rollout, RolloutEvent, RolloutId, State, TargetState,
    decide, resume,
};
use bytes::Bytes;

use super::archive;
use crate::{
    record::{Fact, Note},
    targets::{TargetEntry, Targets},
};

/// What follows from an input at this moment; nothing at all is a decision too. `core`: what it is decided on, the entry's with
/// the newest numbers. `unobserved`: since when nobody has observed the rollout at work, where no process has said so yet.
///
/// # Errors
/// The core's refusal of a command; nothing is changed then.
pub(super) fn facts(
    entry: &TargetEntry,
    core: &TargetState,
    unobserved: Option<Timestamp>,
    input: Input,
    note: Note,
    now: Timestamp,
) -> Result<Decision<Targets, ()>, Refusal> {
    let events = match unobserved {
        Some(last_heard) => resume(core, last_heard, input, now)?,
        None => decide(core, input, now)?,
    };
    let facts = with_note(events, note);
    let urgent = urgent(entry, &facts);
    let archived = archived(entry, &facts, now);
    let decision = Decision::new(facts).urgent(urgent);
    Ok(archived.into_iter().fold(decision, |decision, (key, value)| decision.put(key, value)))
}

/// The state after what would follow from an input.
///
/// # Errors
/// As [`facts`].
pub(super) fn rehearsed(
    entry: &TargetEntry,
    input: Input,
    note: Note,
    now: Timestamp,
) -> Result<TargetEntry, Refusal> {
    let events = decide(&entry.state.core, input, now)?;
    Ok(after(entry, &with_note(events, note), now))
}

/// The rows that are kept of rollouts that end with these facts.
fn archived(entry: &TargetEntry, facts: &[Fact], now: Timestamp) -> Vec<(String, Bytes)> {
    let ended = ended(facts);
    if ended.is_empty() { Vec::new() } else { archive::of_ended(&after(entry, facts, now), &ended) }
}

/// The state after the facts, for what is made of it before they are committed.
fn after(entry: &TargetEntry, facts: &[Fact], now: Timestamp) -> TargetEntry {
    let mut state = entry.state.clone();
    for fact in facts {
        match state.clone().evolve(fact, now) {
            Ok(next) => state = next,
            // the store refuses the whole decision for it
            Err(_) => break,
        }
    }
    Entry {
        state,
        update_time: now,
        version: entry.version + facts.len() as u64,
        ..Entry::empty(entry.stream.clone())
    }
}

fn ended(facts: &[Fact]) -> Vec<RolloutId> {
    let ended = facts.iter().filter_map(|fact| match &fact.event {
        Event::Rollout { id, what: RolloutEvent::Ended { .. } } => Some(*id),
        _ => None,
    });
    ended.collect()
}

/// Each part of the note goes with the fact that it belongs to; the command with the first one, the trace with all.
fn with_note(events: Vec<Event>, note: Note) -> Vec<Fact> {
    let Note { trace, mut command, mut asked, mut verdict } = note;
    let fact = |event: Event| {
        let mut note = Note { trace: trace.clone(), command: command.take(), ..Note::default() };
        if let Event::Rollout { what, .. } = &event {
            match what {
                RolloutEvent::Accepted { .. } => note.asked = asked.take(),
                RolloutEvent::Judged(_) => note.verdict = verdict.take(),
                _ => {}
            }
        }
        Fact { event, note }
    };
    events.into_iter().map(fact).collect()
}

/// What must go through on a full disk too: everything that takes traffic back, from its cause to its end.
fn urgent(entry: &TargetEntry, facts: &[Fact]) -> bool {
    let new = facts.iter().any(|fact| match &fact.event {
        Event::Rollout { what: RolloutEvent::Accepted { kind, .. }, .. } => *kind == Kind::Release,
        _ => false,
    });
    let on_the_way_back = entry.state.core.active().is_some_and(goes_back);
    // a release that takes another one's place is something new, although it takes traffic back first
    !new && (on_the_way_back || facts.iter().any(|fact| takes_back(&fact.event)))
}

fn takes_back(event: &Event) -> bool {
    use RolloutEvent::{Interrupted, Judged, Paused, RollbackResumed, RollbackStarted};
    match event {
        Event::Rollout { what: Judged(verdict), .. } => verdict.decision == Verdict::Fail,
        Event::Rollout { what: RolloutEvent::Accepted { kind, .. }, .. } => *kind != Kind::Release,
        other => matches!(
            other,
            Event::TakenOver { .. }
                | Event::HandedBack { .. }
                | Event::Rollout {
                    what: RollbackStarted { .. } | RollbackResumed { .. } | Paused(_) | Interrupted { .. },
                    ..
                }
        ),
    }
}

fn goes_back(rollout: &Rollout) -> bool {
    let asked = matches!(rollout.kind, Kind::Rollback { .. });
    asked || rollout.undoing() || matches!(rollout.state, State::Recovering | State::NeedsOperator { .. })
}
