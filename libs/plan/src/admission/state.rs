//! Conditions on the release itself.

use super::{Condition, ConditionKind, Subject};
use crate::{EnvironmentId, Release};

/// The plan does not go there.
pub(super) fn not_on_its_road(release: &Release, environment: &EnvironmentId) -> Condition {
    Condition::new(ConditionKind::State, "NOT_ON_ITS_ROAD", format!("{environment} is on its road"))
        .unmet("it is not", format!("deploy {} to {environment}, then release again", release.application))
}

// === impl Subject ===

impl Subject<'_> {
    pub(super) fn may_start(&self) -> Condition {
        let condition = Condition::new(ConditionKind::State, "STAGE", "neither started nor ended here");
        let state = self.stage.state;
        if !state.is_waiting() {
            return condition.unmet(format!("{state:?}: {}", self.stage.text), "submit a new release");
        }
        let expired = self.situation.release.expires_at.filter(|&end| end <= self.now);
        if expired.is_some() {
            return condition.unmet("its deadline has passed", "submit it again with a later deadline");
        }
        // it closes by itself then
        condition.met("waiting").changes_at(self.situation.release.expires_at)
    }

    pub(super) fn plan(&self) -> Condition {
        let condition =
            Condition::new(ConditionKind::State, "PLAN_OUTDATED", "a plan for things as they are");
        match &self.situation.outdated {
            None => condition.met("up to date"),
            Some(why) => condition.unmet(
                format!("{why}, and no plan can be made for it now"),
                "mend the application or its platform; it is planned anew by itself",
            ),
        }
    }

    pub(super) fn version(&self) -> Condition {
        let version = &self.situation.release.bundle.version;
        let condition =
            Condition::new(ConditionKind::State, "VERSION_VETOED", format!("no veto on {version}"));
        match self.situation.vetoes.iter().find(|veto| veto.version == *version) {
            Some(veto) => condition
                .unmet(format!("{} vetoed it: {}", veto.by.id, veto.reason), "release another version"),
            None => condition.met("none"),
        }
    }

    pub(super) fn not_failed_here(&self) -> Condition {
        let (release, environment) = (&self.situation.release.id, self.environment);
        let expected = format!("no failure of the same in {environment} before");
        let condition = Condition::new(ConditionKind::State, "FAILED_HERE", expected);
        if self.situation.failed_here {
            return condition
                .unmet("it failed", format!("bellwether promote releases/{release} -e {environment}"));
        }
        condition.met("none")
    }
}
