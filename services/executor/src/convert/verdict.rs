//! The monitor's verdicts as the core decides on them.

use std::str::FromStr;

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{name::ANALYSIS, time};
use bellwether_rollout::{Decision, ItemKind, Level, Reason, RolloutId, Verdict, verdict::Check};

/// Which of a rollout's analyses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// Of the candidate, from 1.
    Candidate(u32),
    /// Of stable after a rollback, from 1.
    Recovery(u32),
}

/// The name of an analysis: the rollout's id for its first one, with a number for those that follow; with `.recovery` and a
/// number for those of stable.
pub(crate) fn analysis_name(rollout: RolloutId, which: Which) -> String {
    match which {
        Which::Candidate(1) => ANALYSIS.name(rollout),
        Which::Candidate(later) => ANALYSIS.name(format!("{rollout}.{later}")),
        Which::Recovery(number) => ANALYSIS.name(format!("{rollout}.recovery.{number}")),
    }
}

/// The rollout of an analysis, and which one it is.
pub(crate) fn analysis_of(name: &str) -> Option<(RolloutId, Which)> {
    let id = ANALYSIS.parse(name)?;
    let (rollout, rest) = id.split_once('.').unwrap_or((id, "1"));
    let which = match rest.strip_prefix("recovery.") {
        Some(number) => Which::Recovery(number.parse().ok()?),
        None => Which::Candidate(rest.parse().ok()?),
    };
    Some((RolloutId(uuid::Uuid::from_str(rollout).ok()?), which))
}

/// The verdict on an analysis of this policy; none where it is of no analysis of ours or says nothing that this build knows.
/// That of a recovery counts the recoveries as its analysis.
pub(crate) fn verdict(given: &pb::Verdict, policy: &pb::HealthPolicy) -> Option<Verdict> {
    let (rollout, Which::Candidate(analysis) | Which::Recovery(analysis)) = analysis_of(&given.analysis)?;
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
        checks: given.checks.iter().map(|it| check(it, policy)).collect(),
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

fn check(given: &pb::CheckResult, policy: &pb::HealthPolicy) -> Check {
    let value = |number: Option<f64>| number.map(|it| format!("{it:.4} {}", given.unit)).unwrap_or_default();
    let baseline = value(given.baseline);
    let limit = given.threshold.map(|limit| format!("at most {}", value(Some(limit)))).unwrap_or_default();
    Check {
        name: given.id.clone(),
        item: item(given, policy),
        decision: decision(given.decision()),
        level: match given.level() {
            pb::Level::Unspecified | pb::Level::Ok => Level::Ok,
            pb::Level::Warn => Level::Warn,
            pb::Level::Fail => Level::Fail,
        },
        value: value(given.candidate),
        baseline: if baseline.is_empty() { limit } else { baseline },
    }
}

/// Which validation item a check speaks for: what the policy says that it looks at, or what its id and its unit do.
fn item(given: &pb::CheckResult, policy: &pb::HealthPolicy) -> Option<ItemKind> {
    use pb::check::Kind;
    let id = given.id.strip_suffix("-alone").unwrap_or(&given.id);
    // scores of anything
    if policy.kayenta.is_some() && (id == "kayenta" || id.starts_with("kayenta-")) {
        return None;
    }
    if id == "business" || id.starts_with("business-") {
        return Some(ItemKind::Business);
    }
    // the critical journeys of the policy, each on its own
    if id.strip_prefix("journey-").is_some_and(|id| policy.journeys.iter().any(|it| it.id == id)) {
        return Some(ItemKind::Journeys);
    }
    let kind = policy.checks.iter().find(|it| it.id == id).and_then(|it| it.kind.as_ref());
    match kind {
        Some(Kind::ErrorRate(rate)) if !rate.journey.is_empty() => Some(ItemKind::Journeys),
        Some(Kind::ErrorRate(_) | Kind::StatusShare(_) | Kind::Connections(_)) => Some(ItemKind::ErrorRates),
        // what an application counts of its own: orders, sign-ups
        Some(Kind::Count(count)) if !count.metric.is_empty() => Some(ItemKind::Business),
        Some(Kind::Latency(_) | Kind::Count(_) | Kind::Gauge(_) | Kind::Saturation(_)) => {
            Some(ItemKind::Performance)
        }
        // the monitor's own tries
        Some(Kind::Probes(_)) => Some(ItemKind::Journeys),
        // of no user: whether the router does as it was told
        Some(Kind::TrafficShare(_)) => None,
        // a check of the policy may have such an id as well
        None if id == "probes" || id.starts_with("probe-") => Some(ItemKind::Journeys),
        // those of the presets
        None if id == "traffic-share" => None,
        None if id == "throughput" || matches!(given.unit.as_str(), "ms" | "s") => {
            Some(ItemKind::Performance)
        }
        None => Some(ItemKind::ErrorRates),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_the_rollout() {
        let rollout = RolloutId(uuid::Uuid::from_u128(9));
        let all = [Which::Candidate(1), Which::Candidate(2), Which::Candidate(12), Which::Recovery(1)];
        for which in all {
            assert_eq!(analysis_of(&analysis_name(rollout, which)), Some((rollout, which)));
        }
        assert_eq!(analysis_of("analyses/somebody-elses"), None);
    }

    fn speaks_for(id: &str, unit: &str, policy: &pb::HealthPolicy) -> Option<ItemKind> {
        item(&pb::CheckResult { id: id.into(), unit: unit.into(), ..Default::default() }, policy)
    }

    #[test]
    fn checks_speak_for_the_items_that_the_policy_says() {
        use pb::check::Kind;
        let check = |id: &str, kind| pb::Check { id: id.into(), kind: Some(kind), ..Default::default() };
        let of_journey = pb::ErrorRateCheck { journey: "checkout".into(), ..Default::default() };
        let policy = pb::HealthPolicy {
            checks: vec![
                check("paying", Kind::ErrorRate(of_journey)),
                check("speed", Kind::Latency(pb::LatencyCheck::default())),
                check("share", Kind::TrafficShare(pb::TrafficShareCheck {})),
                check(
                    "orders",
                    Kind::Count(pb::CountCheck { metric: "orders".into(), ..Default::default() }),
                ),
                check("answers", Kind::Count(pb::CountCheck::default())),
            ],
            journeys: vec![pb::Journey { id: "checkout".into(), ..Default::default() }],
            ..Default::default()
        };
        let expected = [
            ("paying-alone", "percent", Some(ItemKind::Journeys)),
            ("journey-checkout", "percent", Some(ItemKind::Journeys)),
            ("speed", "ms", Some(ItemKind::Performance)),
            ("share", "percent", None),
            ("orders", "ratio", Some(ItemKind::Business)),
            ("answers", "ratio", Some(ItemKind::Performance)),
            ("business-orders", "percent", Some(ItemKind::Business)),
            ("errors-alone", "percent", Some(ItemKind::ErrorRates)),
        ];
        for (id, unit, kind) in expected {
            assert_eq!(speaks_for(id, unit, &policy), kind, "{id}");
        }
        let kayenta = pb::HealthPolicy { kayenta: Some(pb::KayentaJudge::default()), ..Default::default() };
        assert_eq!(speaks_for("kayenta-Errors", "mean", &kayenta), None);
        assert_eq!(speaks_for("latency", "ms", &pb::HealthPolicy::default()), Some(ItemKind::Performance));
        assert_eq!(speaks_for("traffic-share", "percent", &pb::HealthPolicy::default()), None);
        let nothing = pb::HealthPolicy::default();
        assert_eq!(speaks_for("probe-checkout", "percent", &nothing), Some(ItemKind::Journeys));
    }
}
