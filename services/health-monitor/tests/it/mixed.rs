//! Requests from one source, latencies from another.

use std::time::Duration;

use bellwether_proto::monitor::v1 as pb;
use pb::{Decision, Signal, source::Kind};

use crate::{
    harness::{Monitor, PATIENCE, Source, analysis, place, split},
    prometheus::{asking, counters, server::Server},
};

/// Requests as `server` says, latencies as they are pushed.
fn mixed(id: &str, server: &Server) -> pb::Analysis {
    let of = |id: &str, kind, signal: Signal| pb::Source {
        id: id.into(),
        kind: Some(kind),
        signals: vec![signal.into()],
    };
    let sources = vec![
        of("counters", Kind::Prometheus(asking(&server.url("x"))), Signal::Requests),
        of("gateway", Kind::Push(pb::PushSource::default()), Signal::Latency),
    ];
    let mut analysis = analysis(id, split(1, 50.0));
    let policy = analysis.policy.take().unwrap_or_default();
    pb::Analysis { policy: Some(pb::HealthPolicy { sources, ..policy }), ..analysis }
}

/// Seconds of 100 requests on either side, of which so many of the candidate's fail and so many are slow, until the decision.
async fn decided(wanted: Decision, errors: f64, slow: u64) -> pb::Verdict {
    let (dir, server) = (place(), Server::start().await);
    let mut monitor = Monitor::start(dir.path()).await;
    server.says("x", counters(monitor.now(), (0.0, 0.0), (0.0, 0.0)));
    monitor.start_analysis(mixed("a", &server)).await;
    let (mut source, mut told) = (Source::new(1), (0.0, 0.0));
    let waiting = async {
        // the server's answers come in real time
        let mut every = tokio::time::interval(Duration::from_millis(100));
        loop {
            every.tick().await;
            told = (told.0 + 100.0, told.1 + errors);
            server.says("x", counters(monitor.now(), told, (told.0, 0.0)));
            // what is pushed of requests is not of its sources
            source.candidate.0.latency.as_mut().unwrap().counts[30] += slow;
            monitor.second(&mut source, (100 - slow, 50), (100, 0)).await;
            let verdict = monitor.verdict("analyses/a").await;
            if verdict.decision() == wanted {
                return verdict;
            }
        }
    };
    let verdict = tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    monitor.stop().await;
    verdict
}

fn check<'v>(verdict: &'v pb::Verdict, id: &str) -> &'v pb::CheckResult {
    verdict.checks.iter().find(|check| check.id == id).unwrap()
}

#[tokio::test]
async fn errors_that_a_server_counts_fail_beside_latencies_that_are_pushed() {
    let verdict = decided(Decision::Fail, 10.0, 0).await;
    let errors = check(&verdict, "errors");
    assert_eq!((errors.level(), check(&verdict, "latency").level()), (pb::Level::Fail, pb::Level::Ok));
    assert!((errors.candidate.unwrap() - 10.0).abs() < 0.1, "{errors:?}");
}

#[tokio::test]
async fn latencies_that_are_pushed_fail_beside_errors_that_a_server_counts() {
    let verdict = decided(Decision::Fail, 0.0, 50).await;
    let (errors, latency) = (check(&verdict, "errors"), check(&verdict, "latency"));
    assert_eq!((errors.level(), latency.level()), (pb::Level::Ok, pb::Level::Fail), "{verdict:#?}");
    assert!(latency.effect.unwrap() > 2.0, "{latency:?}");
}

#[tokio::test]
async fn both_must_pass() {
    let verdict = decided(Decision::Pass, 0.0, 0).await;
    for id in ["errors", "latency"] {
        let check = check(&verdict, id);
        assert_eq!(check.decision(), Decision::Pass, "{check:?}");
        assert!(check.candidate_samples >= 100 && check.baseline_samples >= 100, "{check:?}");
    }
}
