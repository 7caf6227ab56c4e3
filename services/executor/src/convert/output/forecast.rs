//! When a rollout is expected to end.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Rollout, State, Step, TargetState, after};

use super::basic::timestamp;

/// Fewer earlier rollouts than this say nothing.
const ENOUGH: usize = 3;

/// From the time that earlier rollouts of the target took to succeed; none where there are too few of them, or while
/// somebody or something holds it.
pub(super) fn expected_end(state: &TargetState, rollout: &Rollout) -> Option<pb::ExpectedEnd> {
    if !rollout.is_running() || held(rollout) {
        return None;
    }
    let mut took: Vec<Duration> = state.rollouts.values().filter_map(duration).collect();
    if took.len() < ENOUGH {
        return None;
    }
    took.sort_unstable();
    let start = rollout.started_at?;
    let at = |quantile| Some(timestamp(after(start, *took.get(rank(took.len(), quantile))?)));
    let basis = format!("{} earlier rollouts of this target", took.len());
    Some(pb::ExpectedEnd { p50: at(50), p95: at(95), basis })
}

/// Whether it waits for somebody, or for something that nobody can foresee.
fn held(rollout: &Rollout) -> bool {
    let asks = matches!(rollout.current(), Some(Step::Gate(_))) && !rollout.step.finished;
    asks || rollout.hold.is_some() || !rollout.pauses.is_empty()
}

fn duration(rollout: &Rollout) -> Option<Duration> {
    let succeeded = rollout.state == State::Succeeded && !rollout.steps.is_empty();
    let (start, end) = (rollout.started_at?, rollout.ended_at?);
    succeeded.then(|| bellwether_rollout::since(start, end))
}

/// Nearest rank: the smallest value that at least `percent` % of all values do not exceed.
fn rank(count: usize, percent: usize) -> usize {
    (count * percent).div_ceil(100).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::rank;

    #[test]
    fn the_rank_is_the_nearest_one() {
        assert_eq!(rank(3, 50), 1);
        assert_eq!(rank(4, 50), 1);
        assert_eq!(rank(20, 95), 18);
        assert_eq!(rank(1, 95), 0);
    }
}
