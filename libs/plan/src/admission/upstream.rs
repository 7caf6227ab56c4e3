//! Conditions on the environments that a release comes from.

use jiff::Timestamp;

use super::{Condition, ConditionKind, ConditionState, Subject};
use crate::{EnvironmentId, StageState, Upstreams, timeline::human};

// === impl Subject ===

impl Subject<'_> {
    /// One condition per upstream; under ANY the others are met as soon as one is.
    pub(super) fn upstream(&self) -> Vec<Condition> {
        let mut conditions: Vec<_> =
            self.part.upstreams.iter().map(|upstream| self.passed(upstream)).collect();
        let any = conditions.iter().any(|condition| condition.state == ConditionState::Met);
        if self.part.upstream_mode == Upstreams::Any && any {
            for condition in &mut conditions {
                condition.state = ConditionState::Met;
                condition.remedy.clear();
                condition.next_change_at = None;
            }
        }
        conditions
    }

    fn passed(&self, upstream: &EnvironmentId) -> Condition {
        let wanted = self.part.soak;
        let expected = if wanted.is_zero() {
            format!("live in {upstream}")
        } else {
            format!("live and healthy in {upstream} for {} without a break", human(wanted))
        };
        let condition = Condition::new(ConditionKind::Soak, "SOAK", expected);
        let Some(stage) = self.situation.release.stages.get(upstream) else {
            return condition.unmet(format!("not released to {upstream}"), "release again");
        };
        match stage.state {
            StageState::Failed | StageState::RolledBack | StageState::Rejected | StageState::Cancelled => {
                let remedy = "mend it and release again";
                return condition.unmet(format!("{:?} in {upstream}: {}", stage.state, stage.text), remedy);
            }
            StageState::Submitted
            | StageState::Planned
            | StageState::Waiting
            | StageState::RollingOut
            | StageState::Soaking
            | StageState::Completed
            | StageState::Expired
            | StageState::Superseded => {}
        }
        match stage.soak.longest(self.now) {
            Some(longest) if longest >= wanted => condition.met(human(longest)),
            Some(_) | None if stage.state == StageState::Superseded => condition.unmet(
                format!("a newer release took its place in {upstream} before that"),
                "release again; it goes on by itself only if the newer one is taken back",
            ),
            Some(longest) => self.soaking(condition, human(longest), stage.soak.reaches(wanted)),
            None => condition.unmet(format!("not live in {upstream} yet"), "nothing: it comes by itself"),
        }
    }

    fn soaking(&self, condition: Condition, longest: String, at: Option<Timestamp>) -> Condition {
        let remedy = if at.is_some() { "nothing: it comes by itself" } else { "make it healthy there" };
        condition.unmet(format!("the longest so far is {longest}"), remedy).changes_at(at)
    }
}
