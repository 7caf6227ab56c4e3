//! What a rollout did to users, on one line.

use bellwether_proto::monitor::v1::{Excess, GetImpactResponse, SessionCount};

/// Standard errors on either side within which the true number lies in 19 of 20 cases.
const ERRORS: f64 = 2.0;

/// `1200 requests, 310 failed more than expected (280–340), …`; none where the candidate had no requests.
pub fn line(impact: &GetImpactResponse) -> Option<String> {
    if impact.requests == 0 {
        return None;
    }
    let failures = impact.failures.as_ref().map(|it| excess(it, "failed"));
    let slowed = impact.slowed.as_ref().map(|it| excess(it, "slow"));
    let requests = Some(format!("{} requests", impact.requests));
    let told = [requests, failures, slowed, sessions(impact)].into_iter().flatten();
    Some(told.collect::<Vec<_>>().join(", "))
}

fn excess(excess: &Excess, what: &str) -> String {
    let Excess { low, estimate, high } = excess;
    // a sum of nothing is −0
    format!("{:.0} {what} more than expected ({:.0}–{:.0})", estimate + 0.0, low + 0.0, high + 0.0)
}

fn sessions(impact: &GetImpactResponse) -> Option<String> {
    let affected = about(impact.affected_sessions.as_ref()?);
    let of = impact.sessions.as_ref().map_or(String::new(), |all| format!(" of {}", about(all)));
    Some(format!("sessions affected: {affected}{of}"))
}

fn about(count: &SessionCount) -> String {
    let error = (count.estimate as f64 * count.relative_standard_error * ERRORS).round();
    format!("{} ± {error:.0}", count.estimate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_known_is_told() {
        let count = |estimate| Some(SessionCount { estimate, relative_standard_error: 0.01625 });
        let mut impact = GetImpactResponse {
            requests: 1_200,
            failures: Some(Excess { low: 280.4, estimate: 310.0, high: 339.6 }),
            slowed: Some(Excess { low: -0.0, estimate: -0.0, high: 12.0 }),
            affected_sessions: count(120),
            sessions: count(400),
            ..GetImpactResponse::default()
        };
        assert_eq!(
            line(&impact).unwrap(),
            "1200 requests, 310 failed more than expected (280–340), 0 slow more than expected (0–12), sessions \
             affected: 120 ± 4 of 400 ± 13"
        );
        impact = GetImpactResponse { slowed: None, affected_sessions: None, sessions: None, ..impact };
        assert_eq!(line(&impact).unwrap(), "1200 requests, 310 failed more than expected (280–340)");
    }

    #[test]
    fn a_candidate_without_requests_did_nothing() {
        assert_eq!(line(&GetImpactResponse::default()), None);
    }
}
