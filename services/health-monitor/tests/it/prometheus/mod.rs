//! Prometheus servers, good and bad.

mod native;
mod real;
pub mod server;

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_health_monitor::SourcesArgs;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use pb::{Decision, source::Kind};

use self::server::{Reply, Server, matrix, vector, whole};
use crate::harness::{Monitor, PATIENCE, Source, analysis, place, refusal, split};

const START: Duration = Duration::from_secs(1_800_000_000);

pub fn asking(url: &str) -> pb::PrometheusSource {
    pb::PrometheusSource {
        url: url.into(),
        requests: "http_requests_total".into(),
        interval: Some(time::to_duration(Duration::from_secs(1))),
        timeout: Some(time::to_duration(Duration::from_millis(300))),
        ..Default::default()
    }
}

fn of(id: &str, source: pb::PrometheusSource) -> pb::Analysis {
    let source = pb::Source { id: "main".into(), kind: Some(Kind::Prometheus(source)), signals: vec![] };
    let mut analysis = analysis(id, split(1, 50.0));
    let policy = analysis.policy.take().unwrap_or_default();
    pb::Analysis { policy: Some(pb::HealthPolicy { sources: vec![source], ..policy }), ..analysis }
}

/// Both fleets, with so many requests and errors in all.
pub fn counters(now: Timestamp, candidate: (f64, f64), baseline: (f64, f64)) -> Reply {
    let labels = |fleet: &str, code: &str| {
        format!(r#""bellwether_fleet":"{fleet}","instance":"{fleet}-1","code":"{code}""#)
    };
    let series = [
        (labels("new", "200"), candidate.0 - candidate.1),
        (labels("new", "500"), candidate.1),
        (labels("old", "200"), baseline.0 - baseline.1),
        (labels("old", "500"), baseline.1),
    ];
    let series: Vec<_> = series.iter().map(|(labels, value)| (labels.as_str(), *value, *value)).collect();
    matrix(now, &series)
}

/// Time goes by until the verdict is as wanted.
async fn until<T>(
    monitor: &mut Monitor,
    id: &str,
    mut step: impl FnMut(Timestamp),
    wanted: impl Fn(&pb::Verdict) -> Option<T>,
) -> T {
    let name = format!("analyses/{id}");
    let mut last = None;
    let waiting = async {
        // the server's answers come in real time
        let mut every = tokio::time::interval(Duration::from_millis(200));
        loop {
            every.tick().await;
            monitor.clock.advance(Duration::from_secs(1));
            step(monitor.now());
            let verdict = monitor.get(&name).await.verdict;
            if let Some(found) = verdict.as_ref().and_then(&wanted) {
                return found;
            }
            last = verdict;
        }
    };
    match tokio::time::timeout(3 * PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => panic!("{id}: {last:#?}"),
    }
}

#[tokio::test]
async fn what_a_server_scraped_is_judged() {
    let (dir, server) = (place(), Server::start().await);
    let mut monitor = Monitor::start(dir.path()).await;
    server.says("x", counters(monitor.now(), (0.0, 0.0), (5_000.0, 50.0)));
    monitor.start_analysis(of("a", asking(&server.url("x")))).await;
    let (mut candidate, mut baseline) = ((0.0, 0.0), (5_000.0, 50.0));
    let verdict = until(
        &mut monitor,
        "a",
        |now| {
            candidate = (candidate.0 + 100.0, candidate.1 + 10.0);
            baseline = (baseline.0 + 100.0, baseline.1 + 1.0);
            server.says("x", counters(now, candidate, baseline));
        },
        |verdict| (verdict.decision() == Decision::Fail).then(|| verdict.clone()),
    )
    .await;
    assert_eq!(verdict.reason.unwrap().code, "CHECK_FAILED");
    let errors = &verdict.checks[0];
    assert!((errors.candidate.unwrap() - 10.0).abs() < 0.1, "{errors:?}");
    assert!(
        (errors.baseline.unwrap() - 1.0).abs() < 0.1,
        "what came before the rollout does not count: {errors:?}"
    );
    let query = &server.asked()[0].body;
    assert!(query.starts_with("query=http_requests_total%5B300s%5D"), "{query}");
    monitor.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_an_error_and_delays_nobody() {
    let (dir, server) = (place(), Server::start().await);
    let mut monitor = Monitor::start(dir.path()).await;
    server.says("x", Reply::Hang);
    monitor.start_analysis(of("a", asking(&server.url("x")))).await;
    monitor.start_analysis(analysis("b", split(1, 50.0))).await;
    let mut source = Source::new(1);
    monitor.second(&mut source, (5, 0), (5, 0)).await;
    monitor.second(&mut source, (5, 0), (5, 0)).await;
    monitor.clock.advance(Duration::from_secs(1));
    assert_eq!(monitor.verdict("analyses/b").await.checks[0].candidate_samples, 10);
    let reason = until(
        &mut monitor,
        "a",
        |_| {},
        |verdict| (verdict.decision() == Decision::Error).then(|| verdict.reason.clone().unwrap()),
    )
    .await;
    assert_eq!(reason.code, "SOURCE_FAILED");
    assert!(reason.text.starts_with("source main has failed since 2027-"), "{reason:?}");
    assert!(reason.text.ends_with("no answer in time"), "{reason:?}");
    // pushed samples are not of its sources
    assert_eq!(monitor.verdict("analyses/a").await.checks[0].candidate_samples, 0);
    // and it goes on when the server does
    let mut requests = 0.0;
    until(
        &mut monitor,
        "a",
        |now| {
            requests += 10.0;
            server.says("x", counters(now, (requests, 0.0), (requests, 0.0)));
        },
        |verdict| {
            (verdict.decision() == Decision::Undecided && verdict.checks[0].candidate_samples > 0)
                .then_some(())
        },
    )
    .await;
    monitor.stop().await;
}

#[tokio::test]
async fn every_bad_answer_says_what_is_wrong_with_it() {
    let (dir, server) = (place(), Server::start().await);
    let mut monitor = Monitor::start(dir.path()).await;
    let at = monitor.now().as_second();
    let ours = r#""bellwether_fleet":"new","instance":"i""#;
    let values = |values: &str| whole(&format!(r#"{{"metric":{{{ours}}},"values":[{values}]}}"#));
    let error = |status, kind: &str, text: &str| {
        Reply::Say(status, format!(r#"{{"status":"error","errorType":"{kind}","error":"{text}"}}"#))
    };
    let many = vec!["{}"; 20_001].join(",");
    let million = vec![r#"{"metric":{"user":"000000"},"values":[[1,"1"]]}"#; 1_000_000].join(",");
    let micros = format!(
        r#"{{"metric":{{{ours},"le":"+Inf"}},"values":[[{at},"100"]]}},{{"metric":{{{ours},"le":"9000000"}},"values":[[{at},"10"]]}}"#
    );
    let cases = [
        ("refused", error(400, "bad_data", "unknown function"), "unknown function", true),
        ("unwell", error(503, "unavailable", "not ready"), "not ready", true),
        ("credentials", Reply::Say(401, String::new()), "check the credentials", true),
        ("elsewhere", Reply::Say(302, String::new()), "302", true),
        ("html", Reply::Say(200, "<html>".into()), "not that of Prometheus", true),
        ("hangup", Reply::Hangup, "connection", true),
        ("large", Reply::Say(200, "x".repeat(10 * 1024 * 1024)), "larger than what is read", true),
        ("million", whole(&million), "larger than what is read", true),
        ("many", whole(&many), "narrow the selector", true),
        ("unit", whole(&micros), "the unit is wrong", true),
        ("empty", whole(""), "no series matches", false),
        (
            "others",
            whole(r#"{"metric":{"a":"b"},"values":[[1,"1"]]}"#),
            "none has a label bellwether_fleet",
            false,
        ),
        ("nan", values(r#"[1,"NaN"],[2,"-5"],[3,"+Inf"]"#), "", false),
        ("old", values(&format!(r#"[{},"1"]"#, at - 3_600)), "s old", false),
        ("ahead", values(&format!(r#"[{},"1"]"#, at + 3_600)), "s ahead: clocks differ", false),
    ];
    for (case, reply, _, _) in &cases {
        server.says(case, reply.clone());
        let source = asking(&server.url(case));
        let source = if *case == "unit" {
            pb::PrometheusSource {
                requests: String::new(),
                latency: "latency_seconds_bucket".into(),
                ..source
            }
        } else {
            source
        };
        monitor.start_analysis(of(case, source)).await;
    }
    for (case, _, words, is_error) in cases {
        until(
            &mut monitor,
            case,
            |_| {},
            |verdict| {
                let told = verdict.warnings.iter().any(|warning| warning.text.contains(words));
                let decision = if is_error { Decision::Error } else { Decision::NoData };
                (told || words.is_empty()).then_some(()).filter(|()| verdict.decision() == decision)
            },
        )
        .await;
    }
    monitor.stop().await;
}

#[tokio::test]
async fn credentials_are_the_operators_and_no_policy_sees_them() {
    let (dir, server) = (place(), Server::start().await);
    let token = dir.path().join("token");
    std::fs::write(&token, "s3cret\n").unwrap();
    let file = dir.path().join("sources.toml");
    let text =
        format!("[prometheus.main]\nurl = '{}'\nbearer_token_file = '{}'", server.url("x"), token.display());
    std::fs::write(&file, text).unwrap();
    // loopback is allowed for what the operator names, and for nothing else
    let sources = SourcesArgs { file: Some(file), networks: vec![] };
    let mut monitor = Monitor::start_with(dir.path(), Timestamp::UNIX_EPOCH + START, &sources).await;
    server.says("x", whole(""));
    let named = pb::PrometheusSource { server: "main".into(), ..asking("") };
    monitor.start_analysis(of("a", named)).await;
    monitor.start_analysis(of("b", asking(&server.url("x")))).await;
    let unknown = pb::PrometheusSource { server: "other".into(), ..asking("") };
    monitor.start_analysis(of("c", unknown)).await;
    for (id, words) in [("b", "an address that may not be called"), ("c", "no server of this name")] {
        until(
            &mut monitor,
            id,
            |_| {},
            |verdict| {
                let reason = verdict.reason.clone().unwrap();
                (verdict.decision() == Decision::Error && reason.text.contains(words)).then_some(())
            },
        )
        .await;
    }
    let asked = server.asked();
    assert!(!asked.is_empty());
    assert!(asked.iter().all(|asked| asked.authorization.as_deref() == Some("Bearer s3cret")), "{asked:?}");
    monitor.stop().await;
}

#[tokio::test]
async fn sources_are_checked_when_an_analysis_starts() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let bad = pb::PrometheusSource { requests: "rate(x[1m])".into(), ..asking("ftp://x") };
    let request = pb::StartAnalysisRequest { request_id: String::new(), analysis: Some(of("a", bad)) };
    let status = monitor.client.start_analysis(request).await.unwrap_err();
    let fields =
        ["analysis.policy.sources[0].prometheus.requests", "analysis.policy.sources[0].prometheus.url"];
    assert_eq!(refusal(&status), ("INVALID_FIELDS".into(), fields.map(str::to_owned).to_vec()));
    monitor.stop().await;
}

#[tokio::test]
async fn a_drop_of_orders_fails_and_a_full_memory_warns() {
    let (dir, server) = (place(), Server::start().await);
    let mut monitor = Monitor::start(dir.path()).await;
    let metric = |id: &str, kind: pb::MetricKind| pb::PrometheusMetric {
        id: id.into(),
        query: format!("{id}_now"),
        kind: kind.into(),
    };
    let metrics = vec![metric("orders", pb::MetricKind::Counter), metric("memory", pb::MetricKind::Gauge)];
    let mut started = of("a", pb::PrometheusSource { metrics, ..asking(&server.url("x")) });
    let memory = pb::SaturationCheck { metric: "memory".into(), above_percent: Some(90.0) };
    let memory = pb::Check {
        id: "memory".into(),
        kind: Some(pb::check::Kind::Saturation(memory)),
        ..Default::default()
    };
    let policy = started.policy.take().unwrap();
    let preset = pb::Preset::Business.into();
    started.policy = Some(pb::HealthPolicy { preset, checks: vec![memory], ..policy });
    monitor.start_analysis(started).await;
    let (mut requests, mut orders) = (0.0, (0.0, 0.0));
    let both = |candidate: f64, baseline: f64| {
        let labels = |fleet: &str| format!(r#""bellwether_fleet":"{fleet}","instance":"{fleet}-1""#);
        [(labels("new"), candidate), (labels("old"), baseline)]
    };
    let verdict = until(
        &mut monitor,
        "a",
        |now| {
            requests += 1_000.0;
            orders = (orders.0 + 20.0, orders.1 + 100.0);
            let each = vec![
                ("http_requests_total", counters(now, (requests, 0.0), (requests, 0.0))),
                ("orders_now", vector(now, &both(orders.0, orders.1))),
                ("memory_now", vector(now, &both(0.97, 0.5))),
            ];
            server.says("x", Reply::Each(each));
        },
        |verdict| (verdict.decision() == Decision::Fail).then(|| verdict.clone()),
    )
    .await;
    let of = |id: &str| verdict.checks.iter().find(|check| check.id == id).unwrap();
    let business = of("business");
    assert_eq!(business.level(), pb::Level::Fail, "{business:?}");
    assert!((business.effect.unwrap() - 0.2).abs() < 0.1, "{business:?}");
    assert_eq!(of("errors").level(), pb::Level::Ok);
    assert!(of("memory").candidate.is_some_and(|used| used > 90.0), "{:?}", of("memory"));
    monitor.stop().await;
}
