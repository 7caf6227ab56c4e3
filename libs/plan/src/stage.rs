//! Where a release stands in one environment.

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Approver, Soak, StepKind};

/// Where a release stands in one environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StageState {
    /// Handed in. Left with the plan, in the same commit.
    Submitted,
    /// Planned; admission has not been looked at.
    Planned,
    /// Something must come first.
    Waiting,
    /// A rollout was asked for or is at work.
    RollingOut,
    /// Live; it must stay well before it goes on.
    Soaking,
    /// Live, and done here.
    Completed,
    /// The rollout failed and was not taken back, or was refused.
    Failed,
    /// Taken back.
    RolledBack,
    /// Refused by somebody who may approve.
    Rejected,
    /// Ended before it started here.
    Cancelled,
    /// Its deadline passed before it started here.
    Expired,
    /// A newer release took its place.
    Superseded,
}

/// What can be done with the newest rollout of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Steering {
    /// Holding it.
    Pause,
    /// Lifting the pause.
    Resume,
    /// Taking it back in flight.
    Abort,
    /// Taking it back after it has succeeded.
    RollBack,
}

/// From where to where. Everything else is illegal.
pub const TRANSITIONS: &[(StageState, &[StageState])] = {
    use StageState::*;
    &[
        (Submitted, &[Planned]),
        (Planned, &[Planned, Waiting, RollingOut, Rejected, Cancelled, Expired, Superseded]),
        // planned anew; or what it waited for has come
        (Waiting, &[Planned, Waiting, RollingOut, Rejected, Cancelled, Expired, Superseded]),
        (RollingOut, &[Soaking, Completed, Failed, RolledBack, Cancelled, Superseded]),
        (Soaking, &[Completed, RolledBack, Superseded]),
        // rolled back by hand; or replaced, and then promoted once more
        (Completed, &[RolledBack, Waiting]),
        (Failed, &[Waiting]),
        (RolledBack, &[Waiting]),
        (Rejected, &[]),
        (Cancelled, &[]),
        (Expired, &[]),
        // promoted; or what had taken its place was taken back
        (Superseded, &[Waiting, Completed]),
    ]
};

/// A transition that the table does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a release cannot go from {from:?} to {to:?}")]
pub struct IllegalTransition {
    /// From where.
    pub from: StageState,
    /// To where.
    pub to: StageState,
}

/// A release in one environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Where it stands.
    pub state: StageState,
    /// Why: a code, UPPER_SNAKE.
    pub code: String,
    /// Why, for people.
    pub text: String,
    /// The id under which the newest rollout was asked for; the same on every attempt.
    pub request_id: Option<String>,
    /// The newest rollout, `rollouts/<id>`, once the executor has answered.
    pub rollout: Option<String>,
    /// Its name for people.
    pub rollout_display_name: String,
    /// Who sent it on; `None`: the planner, or nobody yet.
    pub promoted_by: Option<Approver>,
    /// When the rollout was asked for.
    pub started_at: Option<Timestamp>,
    /// Since when it is live; `None`: it is not.
    pub live_since: Option<Timestamp>,
    /// How long it was live and healthy.
    pub soak: Soak,
    /// How long the steps of its newest rollout took.
    #[serde(default)]
    pub step_times: Vec<(StepKind, Duration)>,
    /// What can be done with its newest rollout, as the executor last said.
    #[serde(default)]
    pub allows: BTreeSet<Steering>,
    /// Why nothing can be started or taken back at its target: a person has it, or it waits for one; empty: it can.
    #[serde(default)]
    pub target_closed: String,
}

// === impl StageState ===

impl StageState {
    /// Every state.
    pub const ALL: [Self; 12] = [
        Self::Submitted,
        Self::Planned,
        Self::Waiting,
        Self::RollingOut,
        Self::Soaking,
        Self::Completed,
        Self::Failed,
        Self::RolledBack,
        Self::Rejected,
        Self::Cancelled,
        Self::Expired,
        Self::Superseded,
    ];

    /// Whether it may still start here by itself.
    pub fn is_waiting(self) -> bool {
        matches!(self, Self::Submitted | Self::Planned | Self::Waiting)
    }

    /// Whether users are on it.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Soaking | Self::Completed)
    }

    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        !self.is_waiting() && !matches!(self, Self::RollingOut | Self::Soaking)
    }

    /// Whether the table has this transition.
    pub fn may_become(self, to: Self) -> bool {
        TRANSITIONS.iter().any(|(from, tos)| *from == self && tos.contains(&to))
    }
}

// === impl Stage ===

impl Stage {
    /// Handed in.
    pub(crate) fn new() -> Self {
        Self {
            state: StageState::Submitted,
            code: "SUBMITTED".to_owned(),
            text: "handed in".to_owned(),
            request_id: None,
            rollout: None,
            rollout_display_name: String::new(),
            promoted_by: None,
            started_at: None,
            live_since: None,
            soak: Soak::default(),
            step_times: Vec::new(),
            allows: BTreeSet::new(),
            target_closed: String::new(),
        }
    }

    /// What can be done with its rollout now.
    pub fn steering(&self) -> impl Iterator<Item = Steering> {
        let here = self.state == StageState::RollingOut || self.live_since.is_some();
        let open = |it: Steering| it != Steering::RollBack || self.target_closed.is_empty();
        self.allows.iter().copied().filter(move |it| here && open(*it))
    }

    /// Goes to `to`, if the table has it.
    pub(crate) fn go(&mut self, to: StageState, code: &str, text: &str) -> Result<(), IllegalTransition> {
        if !self.state.may_become(to) {
            return Err(IllegalTransition { from: self.state, to });
        }
        self.state = to;
        code.clone_into(&mut self.code);
        text.clone_into(&mut self.text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_one_row() {
        let from: Vec<_> = TRANSITIONS.iter().map(|(from, _)| *from).collect();
        assert_eq!(from, StageState::ALL);
    }

    #[test]
    fn what_ended_for_good_stays_ended() {
        for state in [StageState::Rejected, StageState::Cancelled, StageState::Expired] {
            assert!(StageState::ALL.iter().all(|&to| !state.may_become(to)), "{state:?}");
        }
    }

    #[test]
    fn nothing_is_live_without_a_rollout() {
        for from in StageState::ALL {
            for to in [StageState::Soaking, StageState::Completed] {
                let live = matches!(from, StageState::RollingOut | StageState::Soaking);
                let restored = from == StageState::Superseded && to == StageState::Completed;
                let legal = (live && from != to) || restored;
                assert_eq!(from.may_become(to), legal, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn an_illegal_transition_changes_nothing() {
        let mut stage = Stage::new();
        let before = stage.clone();
        let error = stage.go(StageState::Completed, "X", "x").unwrap_err();
        assert_eq!(error, IllegalTransition { from: StageState::Submitted, to: StageState::Completed });
        assert_eq!(stage, before);
    }
}
