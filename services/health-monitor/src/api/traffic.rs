//! What users of a target sent and got.

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{Violations, name::TARGET, time};
use tonic::Status;

use super::Api;
use crate::histories::Together;

// === impl Api ===

impl Api {
    /// The traffic of a target during the last hour.
    ///
    /// # Errors
    /// INVALID_ARGUMENT.
    pub(super) fn traffic(&self, request: &pb::GetTrafficRequest) -> Result<pb::GetTrafficResponse, Status> {
        let mut violations = Violations::new();
        violations.name("target", &request.target, TARGET);
        violations.finish()?;
        let now = self.monitor.records.env().now();
        Ok(answer(self.monitor.histories.together(&request.target, now)))
    }
}

fn answer(seen: Together) -> pb::GetTrafficResponse {
    let ratio = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
    let (requests, errors) = (seen.requests as f64, seen.errors as f64);
    pb::GetTrafficResponse {
        observed: Some(time::to_duration(seen.observed)),
        requests: seen.requests,
        errors: seen.errors,
        requests_per_second: ratio(requests, seen.observed.as_secs_f64()),
        error_percent: 100.0 * ratio(errors, requests),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn rates_are_those_of_the_time_that_was_observed() {
        let seen = Together { observed: Duration::from_secs(60), requests: 1200, errors: 6 };
        let answer = answer(seen);
        assert_eq!((answer.requests_per_second, answer.error_percent), (20.0, 0.5));
    }

    #[test]
    fn nothing_seen_is_no_rate() {
        let answer = answer(Together::default());
        assert_eq!((answer.requests_per_second, answer.error_percent), (0.0, 0.0));
    }
}
