//! How a probe does at its own address.

use std::{collections::VecDeque, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1::{self as pb, Level};
use bellwether_resource::time;

use super::attempt::{Answered, Attempt};

/// The share of failed runs is told over this long.
const RECENT: Duration = Duration::from_secs(300);
/// Runs that are remembered for it.
const MOST_RECENT: usize = 300;

/// What its runs have shown, since it was applied or the monitor was started.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The last run.
    pub last: Option<Attempt>,
    /// The last that failed.
    pub last_failure: Option<Attempt>,
    /// So many failed in a row.
    pub in_a_row: u32,
    /// Since when it stands as it does.
    since: Option<Timestamp>,
    /// When runs were made lately, and whether they failed.
    recent: VecDeque<(Timestamp, bool)>,
}

// === impl Outcome ===

impl Outcome {
    /// Adds a run; whether it stands otherwise now. `failures`: so many in a row count as failed.
    pub fn note(&mut self, attempt: Attempt, failures: u32) -> bool {
        let before = self.level(failures);
        let failed = attempt.failure.is_some();
        self.in_a_row = if failed { self.in_a_row.saturating_add(1) } else { 0 };
        if self.recent.len() >= MOST_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back((attempt.at, failed));
        if failed {
            self.last_failure = Some(attempt.clone());
        }
        let at = attempt.at;
        self.last = Some(attempt);
        let changed = self.level(failures) != before;
        if changed {
            self.since = Some(at);
        }
        changed
    }

    /// How it stands.
    pub fn level(&self, failures: u32) -> Level {
        match (&self.last, self.in_a_row) {
            (None, _) => Level::Unspecified,
            (Some(_), 0) => Level::Ok,
            (Some(_), failed) if failed < failures => Level::Warn,
            (Some(_), _) => Level::Fail,
        }
    }

    /// Runs of the last five minutes, and how many of them failed.
    pub fn recent(&self, now: Timestamp) -> (u32, u32) {
        let news = |at: &Timestamp| now.duration_since(*at).unsigned_abs() <= RECENT;
        let recent = self.recent.iter().filter(|(at, _)| news(at));
        recent.fold((0, 0), |(runs, failed), (_, is_failed)| (runs + 1, failed + u32::from(*is_failed)))
    }

    /// For the contract.
    pub fn shown(&self, failures: u32) -> pb::ProbeStatus {
        pb::ProbeStatus {
            level: self.level(failures).into(),
            since_time: self.since.map(time::to_timestamp),
            failures_in_a_row: i32::try_from(self.in_a_row).unwrap_or(i32::MAX),
            last: self.last.as_ref().map(run),
            last_failure: self.last_failure.as_ref().map(run),
        }
    }
}

/// A run, for the contract.
pub fn run(attempt: &Attempt) -> pb::ProbeRun {
    let step = |step: &Answered| pb::ProbeStepRun {
        id: step.id.clone(),
        status: step.status.into(),
        latency: Some(time::to_duration(step.latency)),
    };
    let failure = attempt.failure.as_ref();
    pb::ProbeRun {
        time: Some(time::to_timestamp(attempt.at)),
        passed: failure.is_none(),
        duration: Some(time::to_duration(attempt.took)),
        text: failure.map(|failure| failure.text.clone()).unwrap_or_default(),
        failed_step: failure.map(|failure| failure.step.clone()).unwrap_or_default(),
        steps: attempt.steps.iter().map(step).collect(),
        address: attempt.address.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::attempt::Failure;

    #[test]
    fn it_fails_after_so_many_in_a_row_and_is_well_at_once() {
        let at = |second: u64| Timestamp::UNIX_EPOCH + Duration::from_secs(second);
        let run = |second, failed: bool| Attempt {
            at: at(second),
            address: "http://shop.example/".into(),
            took: Duration::from_millis(5),
            steps: Vec::new(),
            failure: failed.then(|| Failure { step: "pay".into(), text: "status 500".into() }),
        };
        let mut outcome = Outcome::default();
        assert_eq!(outcome.level(2), Level::Unspecified);
        let told: Vec<_> = [(0, false), (10, true), (20, true), (30, true), (400, false)]
            .into_iter()
            .map(|(second, failed)| (outcome.note(run(second, failed), 2), outcome.level(2)))
            .collect();
        let expected = [
            (true, Level::Ok),
            (true, Level::Warn),
            (true, Level::Fail),
            (false, Level::Fail),
            (true, Level::Ok),
        ];
        assert_eq!(told, expected);
        let shown = outcome.shown(2);
        assert_eq!(shown.last_failure.unwrap().failed_step, "pay");
        assert_eq!(shown.since_time, Some(time::to_timestamp(at(400))));
        assert_eq!(outcome.recent(at(320)), (3, 2));
    }
}
