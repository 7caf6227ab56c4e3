//! Rollouts and analyses that are judged by what applications export over OpenTelemetry alone.

use std::{collections::HashMap, env, path::PathBuf, process::Command};

use bellwether_proto::{
    executor::v1::rollout::State,
    monitor::v1::{
        Analysis, Decision, GetAnalysisRequest, HealthPolicy, OtlpSource, Segment, SegmentKind, Source,
        StartAnalysisRequest, source::Kind,
    },
    planner::v1::Deployment,
};
use bellwether_tests::{
    process::Process,
    shop::{self, Release},
    stack::{Setup, Stack, free_address},
    wait::until,
};

use super::{analysis, judged_by, serving};
use crate::PROGRAM;

/// The shop exports with OpenTelemetry's SDK for Rust.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_release_is_taken_back_on_exported_metrics_alone() {
    let stack = Stack::start(Setup::one(PROGRAM)).await.unwrap();
    let front = free_address().unwrap();
    let exporting = HashMap::from([("SHOP_OTLP_ENDPOINT".to_owned(), format!("http://{}", stack.listen()))]);
    let deployment = Deployment { env: exporting, ..judged_by(Kind::Otlp(OtlpSource::default()), front) };
    let load = serving(&stack, deployment, front).await;

    let good = shop::submit(&stack, "shop", &Release::canary("2")).await.unwrap();
    let good = shop::ended(&stack, &good).await.unwrap();
    assert_eq!(good.state(), State::Succeeded, "{good:#?}");

    let bad =
        shop::submit(&stack, "shop", &Release::canary("3").set("SHOP_ERRORS_PERCENT", "20")).await.unwrap();
    let bad = shop::ended(&stack, &bad).await.unwrap();
    assert_eq!(bad.state(), State::RolledBack, "{bad:#?}");
    let verdict = analysis(&stack, &bad).await.unwrap().verdict.unwrap();
    assert_eq!(verdict.decision(), Decision::Fail);
    let errors = verdict.checks.iter().find(|check| check.id == "errors").unwrap();
    assert!(errors.candidate.unwrap() > 10.0, "{errors:?}");
    assert_eq!(load.tally().failed, 0, "no request failed because of a rollout");
}

/// A Python that has OpenTelemetry's SDK; None, and a word on the standard error, where there is none.
fn python() -> Option<PathBuf> {
    let python = PathBuf::from(env::var_os("PYTHON").unwrap_or_else(|| "python3".into()));
    let modules = "import opentelemetry.sdk.metrics, opentelemetry.exporter.otlp.proto.grpc.metric_exporter";
    let known =
        Command::new(&python).args(["-c", modules]).output().is_ok_and(|output| output.status.success());
    if !known {
        eprintln!("skipped: opentelemetry-sdk not installed");
    }
    known.then_some(python)
}

/// Two processes of other people's SDK: one of the stable version, one of a candidate that fails every tenth request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sdk_for_python_is_understood() {
    let Some(python) = python() else { return };
    let stack = Stack::start(Setup::one(PROGRAM).on_fake()).await.unwrap();
    let source =
        Source { id: "sdk".to_owned(), kind: Some(Kind::Otlp(OtlpSource::default())), ..Default::default() };
    let started = Analysis {
        name: "analyses/python".to_owned(),
        target: "targets/shop@test".to_owned(),
        candidate_fleet: "new".to_owned(),
        baseline_fleet: "old".to_owned(),
        candidate_version: "2".to_owned(),
        baseline_version: "1".to_owned(),
        policy: Some(HealthPolicy { warm_up: shop::millis(0), sources: vec![source], ..Default::default() }),
        segment: Some(Segment {
            index: 1,
            kind: SegmentKind::Split.into(),
            candidate_share_percent: 50.0,
            ..Default::default()
        }),
        ..Default::default()
    };
    let request = StartAnalysisRequest { analysis: Some(started), ..Default::default() };
    stack.monitor().start_analysis(request).await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("exporter.py");
    std::fs::write(&script, include_str!("exporter.py")).unwrap();
    let endpoint = format!("http://{}", stack.listen());
    let exporter = |version: &str, errors: &str| {
        let words = [script.to_str().unwrap(), &endpoint, version, errors];
        Process::start(&python, words, &[], &directory.path().join("log")).unwrap()
    };
    let (old, _new) = (exporter("1", "0"), exporter("2", "10"));
    let verdict = until("it is failed", || async {
        let request = GetAnalysisRequest { name: "analyses/python".to_owned() };
        let verdict = stack.monitor().get_analysis(request).await.ok()?.into_inner().analysis?.verdict?;
        (verdict.decision() == Decision::Fail).then_some(verdict)
    });
    let verdict = verdict.await.unwrap_or_else(|error| panic!("{error}\n{}", old.log()));
    let errors = verdict.checks.iter().find(|check| check.id == "errors").unwrap();
    assert!((errors.candidate.unwrap() - 10.0).abs() < 3.0, "{errors:?}");
    assert_eq!(errors.baseline, Some(0.0));
    assert!(
        verdict.checks.iter().any(|check| check.id == "latency" && check.candidate_samples > 0),
        "{verdict:#?}"
    );
}
