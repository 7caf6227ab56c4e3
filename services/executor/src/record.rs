//! What the journal holds: the facts of the core, each with what belongs to it beyond the core.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use bellwether_proto::{common::v1 as common, executor::v1 as pb, monitor::v1 as monitor};
use bellwether_rollout::{Event, Illegal, Journey, RolloutEvent, RolloutId, State, TargetState, evolve};
use serde::{Deserialize, Serialize};

/// A fact as it is kept. Fields are only added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// The fact.
    pub event: Event,
    /// What belongs to it.
    #[serde(flatten)]
    pub note: Note,
}

/// What belongs to a fact and does not decide anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// The W3C `traceparent` of what led to it: a resumed rollout continues its trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// The command that led to it; on the first event of its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Given>,
    /// With `accepted`: what was asked for, in the caller's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<Asked>>,
    /// With `judged`: the whole verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Box<monitor::Verdict>>,
}

/// A command that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The method's short name.
    pub method: String,
    /// Who, as `kind:id`.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// The rollout that it is about.
    #[serde(default)]
    pub rollout: Option<RolloutId>,
}

/// What was asked for in StartRollout, beyond what the core decides with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// As given.
    pub strategy: pb::Strategy,
    /// As given.
    pub policy: pb::RolloutPolicy,
    /// As given, for the monitor.
    pub health: monitor::HealthPolicy,
}

/// A target with everything that is shown of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetRecord {
    /// What decides.
    pub core: TargetState,
    /// The names of its platform and its router, also once it was deleted.
    pub driver: (String, String),
    /// The version of the last event that a decision may depend on.
    pub etag: u64,
    /// Of the core's rollouts.
    pub rollouts: BTreeMap<RolloutId, RolloutRecord>,
}

/// What is shown of a rollout beyond the core's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RolloutRecord {
    /// What was asked for.
    pub asked: Asked,
    /// The commands that it got, the newest last.
    pub commands: Vec<CommandRecord>,
    /// The version of the last event that touched it.
    pub version: u64,
    /// The version of the last event that a decision may depend on.
    pub etag: u64,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// The whole of the last verdict that counted.
    pub verdict: Option<Box<monitor::Verdict>>,
    /// The trace that asked for it, which its own goes on with.
    pub trace: Option<String>,
}

/// A command and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRecord {
    /// The command.
    pub given: Given,
    /// When it was accepted.
    pub at: Timestamp,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Still at work.
    Pending,
    /// Done.
    Done,
    /// Made pointless by a later or stronger one.
    Superseded,
}

/// How many commands of a rollout are kept.
const COMMANDS: usize = 100;

// === impl Fact ===

impl Fact {
    /// A fact with nothing beside it.
    pub fn new(event: Event) -> Self {
        Self { event, note: Note::default() }
    }
}

// === impl Note ===

impl Note {
    /// That of a command.
    pub fn command(given: Given) -> Self {
        Self { command: Some(given), ..Self::default() }
    }
}

// === impl TargetRecord ===

impl TargetRecord {
    /// The requests that the rollout at work wants counted on their own.
    pub(crate) fn journeys(&self) -> Vec<Journey> {
        let asked = self.core.active().and_then(|active| self.rollouts.get(&active.id()));
        let journeys = asked.map(|record| record.asked.health.journeys.as_slice()).unwrap_or_default();
        let journey = |journey: &monitor::Journey| Journey {
            id: journey.id.clone(),
            path_prefix: journey.path_prefix.clone(),
            method: journey.method.clone(),
        };
        journeys.iter().map(journey).collect()
    }

    /// The state after a fact.
    ///
    /// # Errors
    /// [`Illegal`] when it cannot happen in this state.
    pub fn evolve(mut self, fact: &Fact, at: Timestamp) -> Result<Self, Illegal> {
        let active = self.core.queue.first().copied();
        self.core = evolve(self.core, &fact.event, at)?;
        if let Some(spec) = &self.core.spec {
            self.driver = (spec.platform.clone(), spec.router.clone());
        }
        let version = self.core.version;
        if decides(&fact.event) {
            self.etag = version;
        }
        if let Some(id) = fact.event.rollout().or(active) {
            self.rollouts.entry(id).or_default().noted(fact, version, at);
        }
        let core = &self.core;
        self.rollouts.retain(|id, _| core.rollouts.contains_key(id));
        Ok(self)
    }

    /// What is shown of a rollout beyond the core's state.
    pub fn rollout(&self, id: RolloutId) -> Option<&RolloutRecord> {
        self.rollouts.get(&id)
    }
}

// === impl RolloutRecord ===

impl RolloutRecord {
    fn noted(&mut self, fact: &Fact, version: u64, at: Timestamp) {
        self.version = version;
        self.changed_at = at;
        if decides(&fact.event) {
            self.etag = version;
        }
        let Note { trace, command, asked, verdict } = &fact.note;
        if let Some(asked) = asked {
            self.asked = (**asked).clone();
        }
        if verdict.is_some() {
            self.verdict.clone_from(verdict);
        }
        if matches!(&fact.event, Event::Rollout { what: RolloutEvent::Accepted { .. }, .. }) {
            self.trace.clone_from(trace);
        }
        self.settle(&fact.event);
        if let Some(given) = command {
            let outcome = Outcome::at_first(given);
            self.commands.push(CommandRecord { given: given.clone(), at, outcome });
            let surplus = self.commands.len().saturating_sub(COMMANDS);
            self.commands.drain(..surplus);
        }
    }

    /// An abort is done when the rollout has ended; an advance that an undoing overtakes is superseded.
    fn settle(&mut self, event: &Event) {
        let Event::Rollout { what, .. } = event else { return };
        let pending = self.commands.iter_mut().filter(|command| command.outcome == Outcome::Pending);
        let advances = |command: &CommandRecord| command.given.method == "AdvanceRollout";
        if let RolloutEvent::RollbackStarted { .. } = what {
            pending.filter(|it| advances(it)).for_each(|it| it.outcome = Outcome::Superseded);
        } else if let RolloutEvent::Ended { state, .. } = what {
            let undone = matches!(state, State::RolledBack | State::Superseded | State::Cancelled);
            for command in pending {
                let wanted = undone != advances(command);
                command.outcome = if wanted { Outcome::Done } else { Outcome::Superseded };
            }
        }
    }
}

// === impl Outcome ===

impl Outcome {
    /// What takes its time is pending; the rest is done once it is accepted.
    fn at_first(given: &Given) -> Self {
        match given.method.as_str() {
            "AbortRollout" | "AdvanceRollout" => Self::Pending,
            _ => Self::Done,
        }
    }
}

impl From<Outcome> for common::command_record::Outcome {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pending => Self::Pending,
            Outcome::Done => Self::Done,
            Outcome::Superseded => Self::Superseded,
        }
    }
}

/// Whether a decision may depend on it: what merely was observed or measured does not count.
fn decides(event: &Event) -> bool {
    match event {
        Event::Observed(_) | Event::Incident(_) => false,
        Event::Rollout { what, .. } => !matches!(
            what,
            RolloutEvent::Judged(_)
                | RolloutEvent::Monitored { .. }
                | RolloutEvent::StepIssued
                | RolloutEvent::HookStarted { .. }
                | RolloutEvent::RouteRefused { .. }
                | RolloutEvent::Validated(_)
        ),
        _ => true,
    }
}
