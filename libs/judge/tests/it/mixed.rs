//! Requests from one source, latencies from another.

use std::time::Duration;

use bellwether_judge::{
    Analysis, Assessment, Batch, Decision, Segment, Settings, Why,
    settings::{CheckKind, CheckSpec, Coming},
};
use jiff::Timestamp;

use crate::rig::{Counted, count, full, history, idle, split};

/// Two sources that tell half each, at their own pace.
struct Mixed {
    analysis: Analysis,
    now: Timestamp,
    /// Candidate and baseline as the source of requests counts them: without a revision, every 5 s.
    requests: [Counted; 2],
    /// The same of the source of latencies: every second.
    latencies: [Counted; 2],
}

// === impl Mixed ===

impl Mixed {
    fn new(settings: Settings) -> Self {
        let now = Timestamp::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let settings = Settings { warm_up: Duration::ZERO, ..settings };
        let segment = Segment { min: Duration::from_secs(30), ..split(0.5) };
        let analysis = Analysis::new(settings, "new".into(), "old".into(), history(), segment, now);
        let of = |revision| [idle("new", "c", revision), idle("old", "b", revision)];
        let mut mixed = Self { analysis, now, requests: of(0), latencies: of(1) };
        // counting begins
        mixed.send("prometheus", 5);
        mixed.send("rum", 1);
        mixed
    }

    fn send(&mut self, source: &str, interval: u64) {
        let samples = if source == "rum" { &self.latencies } else { &self.requests };
        let batch = Batch {
            source: source.into(),
            incarnation: "1".into(),
            time: self.now,
            interval: Duration::from_secs(interval),
            samples: samples.to_vec(),
        };
        self.analysis.ingest(&batch, self.now);
    }

    /// Seconds in which each side has 100 requests, so many of the candidate's failing, its latencies `slower`.
    fn seconds(&mut self, seconds: u32, errors: u64, slower: f64) -> Assessment {
        self.told_by(seconds, errors, slower, ["prometheus", "rum"])
    }

    fn told_by<const N: usize>(
        &mut self,
        seconds: u32,
        errors: u64,
        slower: f64,
        sources: [&str; N],
    ) -> Assessment {
        for second in 1..=seconds {
            self.now += Duration::from_secs(1);
            for (side, (errors, slower)) in [(errors, slower), (0, 1.0)].into_iter().enumerate() {
                self.requests[side].requests += 100;
                self.requests[side].errors += errors;
                count(&mut self.latencies[side], 100, 0, slower);
                self.latencies[side].requests = 0;
            }
            if second % 5 == 0 && sources.contains(&"prometheus") {
                self.send("prometheus", 5);
            }
            if sources.contains(&"rum") {
                self.send("rum", 1);
            }
        }
        self.analysis.assess(self.now)
    }

    fn failed(&mut self) -> Vec<String> {
        let report = self.analysis.report(self.now);
        let failed = report.checks.iter().filter(|check| check.decision == Decision::Fail);
        failed.map(|check| check.id.clone()).collect()
    }
}

fn apart() -> Settings {
    Settings { coming: Coming::Apart, ..Settings::default() }
}

#[test]
fn both_are_judged_although_no_tick_has_both() {
    let mut good = Mixed::new(apart());
    assert_eq!(good.seconds(60, 0, 1.0).decision, Decision::Pass);
    let mut failing = Mixed::new(apart());
    assert_eq!(failing.seconds(60, 20, 1.0).decision, Decision::Fail);
    assert_eq!(failing.failed(), ["errors"]);
    let mut slow = Mixed::new(apart());
    assert_eq!(slow.seconds(60, 0, 3.0).decision, Decision::Fail);
    assert_eq!(slow.failed(), ["latency"]);
}

#[test]
fn nothing_passes_on_half_of_what_should_be_told() {
    let mut mixed = Mixed::new(apart());
    mixed.seconds(2, 0, 1.0);
    // the latencies end; requests alone prove nothing about them, and the time is not observed
    let silent = mixed.told_by(60, 0, 1.0, ["prometheus"]);
    assert_eq!((silent.decision, silent.why), (Decision::NoData, Why::NoSamples));
    assert_eq!(mixed.seconds(60, 0, 1.0).decision, Decision::Pass);
    let mut other = Mixed::new(apart());
    other.seconds(5, 0, 1.0);
    let silent = other.told_by(60, 0, 1.0, ["rum"]);
    assert_eq!((silent.decision, silent.why), (Decision::NoData, Why::NoSamples));
}

#[test]
fn latencies_without_any_requests_are_judged_alone() {
    let latency =
        CheckSpec::defaults().into_iter().filter(|check| matches!(check.kind, CheckKind::Latency(_)));
    let settings = Settings { coming: Coming::LatencyOnly, checks: latency.collect(), ..Settings::default() };
    let mut good = Mixed::new(settings.clone());
    assert_eq!(good.told_by(60, 0, 1.0, ["rum"]).decision, Decision::Pass);
    let mut slow = Mixed::new(settings.clone());
    assert_eq!(slow.told_by(60, 0, 3.0, ["rum"]).decision, Decision::Fail);
    // alone, against the past
    let mut alone = Mixed::new(Settings { one_sided: true, ..settings });
    alone.analysis.enter(full(2, 1), alone.now);
    assert_eq!(alone.told_by(60, 0, 1.0, ["rum"]).decision, Decision::Pass);
}
