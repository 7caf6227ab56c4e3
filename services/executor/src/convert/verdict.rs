//! The monitor's verdicts as the core decides on them.

use std::str::FromStr;

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{name::ANALYSIS, time};
use bellwether_rollout::{Decision, ItemKind, Level, Reason, RolloutId, Verdict, verdict::Check};

/// The name of an analysis: the rollout's id for its first one, with a number for those that follow.
pub(crate) fn analysis_name(rollout: RolloutId, analysis: u32) -> String {
    match analysis {
        1 => ANALYSIS.name(rollout),
        later => ANALYSIS.name(format!("{rollout}.{later}")),
    }
}

/// The rollout and the number of an analysis.
pub(crate) fn analysis_of(name: &str) -> Option<(RolloutId, u32)> {
    let id = ANALYSIS.parse(name)?;
    let (rollout, analysis) = match id.split_once('.') {
        Some((rollout, number)) => (rollout, number.parse().ok()?),
        None => (id, 1),
    };
    Some((RolloutId(uuid::Uuid::from_str(rollout).ok()?), analysis))
}

/// The verdict; none where it is of no analysis of ours or says nothing that this build knows.
pub(crate) fn verdict(given: &pb::Verdict) -> Option<Verdict> {
    let (rollout, analysis) = analysis_of(&given.analysis)?;
    let reason = given.reason.clone().unwrap_or_default();
    let hard_limit = matches!(reason.code.as_str(), "HARD_LIMIT" | "CRITICAL_EVENT");
    let decided_at = given.decide_time.as_ref().and_then(time::timestamp);
    Some(Verdict {
        rollout,
        analysis,
        segment: u32::try_from(given.segment).ok()?,
        sequence: u64::try_from(given.sequence).ok()?,
        decision: decision(given.decision())?,
        reason: Reason { code: reason.code, text: reason.text, values: reason.values.into_iter().collect() },
        checks: given.checks.iter().map(check).collect(),
        hard_limit,
        decided_at: decided_at.unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

fn decision(given: pb::Decision) -> Option<Decision> {
    Some(match given {
        pb::Decision::Unspecified => return None,
        pb::Decision::Pass => Decision::Pass,
        pb::Decision::Fail => Decision::Fail,
        pb::Decision::Undecided => Decision::Undecided,
        pb::Decision::NoData => Decision::NoData,
        pb::Decision::Error => Decision::Error,
    })
}

fn check(given: &pb::CheckResult) -> Check {
    let value = |number: Option<f64>| number.map(|it| format!("{it:.4} {}", given.unit)).unwrap_or_default();
    Check {
        name: given.id.clone(),
        item: item(given),
        level: match given.level() {
            pb::Level::Unspecified | pb::Level::Ok => Level::Ok,
            pb::Level::Warn => Level::Warn,
            pb::Level::Fail => Level::Fail,
        },
        value: value(given.candidate),
        baseline: value(given.baseline),
    }
}

/// Which validation item a check speaks for: latencies are measured in time, everything else is a share of requests.
fn item(given: &pb::CheckResult) -> Option<ItemKind> {
    Some(match given.unit.as_str() {
        "ms" | "s" => ItemKind::Performance,
        _ if !given.journeys.is_empty() => ItemKind::Journeys,
        _ => ItemKind::ErrorRates,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_rollout() {
        let rollout = RolloutId(uuid::Uuid::from_u128(9));
        for analysis in [1, 2, 12] {
            assert_eq!(analysis_of(&analysis_name(rollout, analysis)), Some((rollout, analysis)));
        }
        assert_eq!(analysis_of("analyses/somebody-elses"), None);
    }
}
