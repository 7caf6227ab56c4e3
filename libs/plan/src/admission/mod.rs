//! The one place that decides whether a release may start.
//!
//! Plan, list, explain and start all ask here. Closed means *wait*, not *fail*.

mod approvals;
mod state;
mod upstream;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EnvironmentId, EnvironmentPlan, Hold, HoldCause, Promotion, Release, Stage, Veto};

/// The kinds of conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConditionKind {
    /// The release, its version or its target is in a state that forbids it.
    State,
    /// Somebody stopped the line.
    Hold,
    /// It must be well upstream for a while.
    Soak,
    /// Somebody must approve.
    Approval,
}

/// How a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConditionState {
    /// Met.
    Met,
    /// Not met: it closes admission.
    Unmet,
    /// Met, but what it is for cannot be shown.
    NotEnforced,
}

/// Something that a start depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What kind it is.
    pub kind: ConditionKind,
    /// UPPER_SNAKE, stable.
    pub code: &'static str,
    /// How it stands.
    pub state: ConditionState,
    /// What is asked for.
    pub expected: String,
    /// What is there.
    pub actual: String,
    /// What would open it; empty when it is met.
    pub remedy: String,
    /// When it changes by itself.
    pub next_change_at: Option<Timestamp>,
}

/// Everything that the predicate looks at. Facts that others establish (evidence, windows, dependencies) get fields here.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The release.
    pub release: &'a Release,
    /// What is in force now.
    pub holds: &'a [Hold],
    /// The application's vetoes.
    pub vetoes: &'a [Veto],
    /// What has changed since its plan was made; none while the plan is for things as they are.
    pub outdated: Option<String>,
    /// Whether this identity has failed in this environment before, in another release.
    pub failed_here: bool,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It may start, at this moment.
    Open,
    /// It waits for all of these.
    Closed(Vec<Condition>),
}

/// One release in one environment, as the conditions see it.
struct Subject<'a> {
    situation: Situation<'a>,
    environment: &'a EnvironmentId,
    stage: &'a Stage,
    part: &'a EnvironmentPlan,
    now: Timestamp,
}

/// Whether `situation.release` may start in `environment` at `now`; closed with every violation.
pub fn admit(situation: Situation<'_>, environment: &EnvironmentId, now: Timestamp) -> Admission {
    let mut conditions = conditions(situation, environment, now);
    conditions.retain(|condition| condition.state == ConditionState::Unmet);
    if conditions.is_empty() { Admission::Open } else { Admission::Closed(conditions) }
}

/// Everything that the start depends on, met or not, the cheap ones first. Never empty.
pub fn conditions(situation: Situation<'_>, environment: &EnvironmentId, now: Timestamp) -> Vec<Condition> {
    let part = situation.release.plan.part(environment);
    let (Some(stage), Some(part)) = (situation.release.stages.get(environment), part) else {
        return vec![state::not_on_its_road(situation.release, environment)];
    };
    let subject = Subject { situation, environment, stage, part, now };
    let mut conditions = vec![subject.may_start(), subject.plan(), subject.version()];
    if !subject.is_explicit() {
        conditions.push(subject.not_failed_here());
        conditions.extend(subject.manual());
    }
    conditions.extend(subject.holds());
    conditions.extend(subject.upstream());
    conditions.extend(subject.approvals());
    conditions
}

/// When the answer may change by itself; `None`: only when somebody does something.
pub fn next_change_at(conditions: &[Condition]) -> Option<Timestamp> {
    conditions.iter().filter_map(|condition| condition.next_change_at).min()
}

// === impl Subject ===

impl Subject<'_> {
    /// Somebody asked for exactly this: it was promoted here, or handed in here. What only keeps the planner from going on
    /// by itself does not apply then.
    fn is_explicit(&self) -> bool {
        self.part.upstreams.is_empty() || self.stage.promoted_by.is_some()
    }

    fn manual(&self) -> Option<Condition> {
        let command =
            format!("bellwether promote releases/{} -e {}", self.situation.release.id, self.environment);
        (self.part.promotion == Promotion::Manual).then(|| {
            Condition::new(ConditionKind::State, "PROMOTION_MANUAL", "a promotion by somebody")
                .unmet("none yet", command)
        })
    }

    fn holds(&self) -> Vec<Condition> {
        let application = &self.situation.release.application;
        let explicit = self.is_explicit();
        let in_force = self.situation.holds.iter().filter(|hold| {
            hold.covers(application, self.environment) && (hold.cause == HoldCause::Person || !explicit)
        });
        let found: Vec<_> = in_force.map(|hold| self.held(hold)).collect();
        if found.is_empty() {
            return vec![Condition::new(ConditionKind::Hold, "NO_HOLD", "no hold").met("none")];
        }
        found
    }

    fn held(&self, hold: &Hold) -> Condition {
        let release = &self.situation.release.id;
        let (code, remedy) = match hold.cause {
            HoldCause::Person => ("HELD", format!("bellwether unhold holds/{}", hold.id)),
            HoldCause::ManualRollback => (
                "HELD_AFTER_ROLLBACK",
                format!("bellwether promote releases/{release} -e {}", self.environment),
            ),
            HoldCause::OlderVersion => (
                "HELD_ON_OLDER_VERSION",
                format!("bellwether promote releases/{release} -e {}", self.environment),
            ),
        };
        let actual = format!("{} since {}: {}", hold.by.id, hold.since.strftime("%F %T UTC"), hold.reason);
        Condition::new(ConditionKind::Hold, code, "no hold").unmet(actual, remedy)
    }
}

// === impl Condition ===

impl Condition {
    fn new(kind: ConditionKind, code: &'static str, expected: impl Into<String>) -> Self {
        Self {
            kind,
            code,
            state: ConditionState::Met,
            expected: expected.into(),
            actual: String::new(),
            remedy: String::new(),
            next_change_at: None,
        }
    }

    fn met(self, actual: impl Into<String>) -> Self {
        Self { actual: actual.into(), ..self }
    }

    fn unmet(self, actual: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { state: ConditionState::Unmet, actual: actual.into(), remedy: remedy.into(), ..self }
    }

    fn changes_at(self, at: Option<Timestamp>) -> Self {
        Self { next_change_at: at, ..self }
    }
}
