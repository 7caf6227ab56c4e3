//! What the past of an application in an environment says to a plan.

use std::{collections::BTreeMap, time::Duration};

use bellwether_plan::{
    ApplicationId, EnvironmentId, History, Quantiles, Release, Stage, StageState, StepKind, StepTimes,
};

use super::Book;

/// How many releases back the risk looks.
const LAST: usize = 20;

// === impl Book ===

impl Book {
    /// The past in each environment, for a plan.
    pub(crate) fn history(&self, application: &ApplicationId) -> BTreeMap<EnvironmentId, History> {
        let environments = self.environments().map(|(id, _)| id);
        environments
            .map(|environment| (environment.clone(), self.history_in(application, environment)))
            .collect()
    }

    fn history_in(&self, application: &ApplicationId, environment: &EnvironmentId) -> History {
        let started =
            || self.stages(application, environment).filter(|(_, stage)| stage.started_at.is_some());
        let ended: Vec<_> = started().rev().filter(|(_, stage)| has_ended(stage)).take(LAST).collect();
        let bad = |stage: &Stage| matches!(stage.state, StageState::Failed | StageState::RolledBack);
        let serving = started().rev().find(|(_, stage)| stage.live_since.is_some());
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        History {
            serving: serving.map(|(release, _)| release.bundle.version.clone()),
            last_releases: count(ended.len()),
            failed_releases: count(ended.iter().filter(|(_, stage)| bad(stage)).count()),
            last_release_time: started().filter_map(|(_, stage)| stage.started_at).max(),
            rollback_tested: ended.iter().any(|(_, stage)| stage.state == StageState::RolledBack),
            step_times: step_times(&ended),
        }
    }
}

fn has_ended(stage: &Stage) -> bool {
    stage.state.is_live()
        || matches!(stage.state, StageState::Failed | StageState::RolledBack | StageState::Superseded)
}

fn step_times(ended: &[(&Release, &Stage)]) -> StepTimes {
    let mut by_kind: BTreeMap<StepKind, Vec<Duration>> = BTreeMap::new();
    for (kind, took) in ended.iter().flat_map(|(_, stage)| &stage.step_times) {
        by_kind.entry(*kind).or_default().push(*took);
    }
    StepTimes(by_kind.into_iter().filter_map(|(kind, times)| Some((kind, quantiles(times)?))).collect())
}

/// Nearest-rank quantiles; `None` without samples.
fn quantiles(mut times: Vec<Duration>) -> Option<Quantiles> {
    times.sort_unstable();
    let rank = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    let samples = u32::try_from(times.len()).unwrap_or(u32::MAX);
    Some(Quantiles { p50: rank(50)?, p95: rank(95)?, samples })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_nearest_rank() {
        let times = (1..=20).map(Duration::from_secs).collect();
        let found = quantiles(times).unwrap();
        assert_eq!(
            found,
            Quantiles { p50: Duration::from_secs(10), p95: Duration::from_secs(19), samples: 20 }
        );
        assert_eq!(quantiles(Vec::new()), None);
        assert_eq!(quantiles(vec![Duration::from_secs(4)]).unwrap().p95, Duration::from_secs(4));
    }
}
