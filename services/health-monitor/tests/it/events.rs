//! What is told rather than measured.

use bellwether_proto::monitor::v1 as pb;
use pb::{
    Decision,
    health_event::{Kind, Severity},
};

use crate::harness::{Monitor, TARGET, analysis, place, refusal, split};

fn event(id: &str, fleet: &str, kind: Kind, severity: Severity) -> pb::HealthEvent {
    pb::HealthEvent {
        id: id.into(),
        target: TARGET.into(),
        fleet: fleet.into(),
        kind: kind.into(),
        severity: severity.into(),
        message: format!("{id} happened"),
        time: None,
    }
}

async fn tell(monitor: &mut Monitor, events: Vec<pb::HealthEvent>) {
    monitor.client.push_events(pb::PushEventsRequest { events }).await.unwrap();
}

#[tokio::test]
async fn a_critical_event_on_the_candidate_fails_it_at_once() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    let harmless = [
        event("1", "old", Kind::Security, Severity::Critical),
        event("2", "new", Kind::Corruption, Severity::Warning),
        event("3", "new", Kind::Business, Severity::Critical),
    ];
    tell(&mut monitor, harmless.to_vec()).await;
    tell(&mut monitor, harmless.to_vec()).await;
    let verdict = monitor.verdict("analyses/a").await;
    assert_eq!(verdict.decision(), Decision::Undecided);
    let told = |verdict: &pb::Verdict| {
        let codes = verdict.warnings.iter().map(|warning| warning.code.clone());
        codes.filter(|code| code.ends_with("_EVENT")).collect::<Vec<_>>()
    };
    assert_eq!(told(&verdict), ["CORRUPTION_EVENT", "BUSINESS_EVENT"]);
    let mut verdicts = monitor.verdicts(&["analyses/a"], 0).await;
    tell(&mut monitor, vec![event("4", "new", Kind::Corruption, Severity::Critical)]).await;
    let failed = loop {
        let verdict = verdicts.change().await;
        if verdict.decision() == Decision::Fail {
            break verdict;
        }
    };
    assert_eq!(failed.reason.unwrap().code, "CRITICAL_EVENT");
    monitor.stop().await;
}

#[tokio::test]
async fn what_was_told_before_the_start_counts_and_survives() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    tell(&mut monitor, vec![event("1", "new", Kind::Security, Severity::Critical)]).await;
    let now = monitor.stop().await;
    let mut monitor = Monitor::start_at(dir.path(), now).await;
    let started = monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    assert_eq!(started.verdict.unwrap().decision(), Decision::Fail);
    monitor.stop().await;
}

#[tokio::test]
async fn nobody_can_name_another_target_s_fleet() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let foreign = pb::HealthEvent {
        target: "targets/mine@production".into(),
        ..event("1", "new", Kind::Security, Severity::Critical)
    };
    tell(&mut monitor, vec![foreign]).await;
    let started = monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    assert_eq!(started.verdict.unwrap().decision(), Decision::Undecided);
    monitor.stop().await;
}

#[tokio::test]
async fn every_violation_is_named_and_nothing_is_kept() {
    let dir = place();
    let mut monitor = Monitor::start(dir.path()).await;
    let bad =
        pb::HealthEvent { target: "shop".into(), ..event("", "", Kind::Unspecified, Severity::Critical) };
    let good = event("1", "new", Kind::Security, Severity::Critical);
    let status =
        monitor.client.push_events(pb::PushEventsRequest { events: vec![good, bad] }).await.unwrap_err();
    let fields = ["events[1].id", "events[1].target", "events[1].fleet", "events[1].kind"];
    assert_eq!(refusal(&status), ("INVALID_FIELDS".into(), fields.map(str::to_owned).to_vec()));
    let started = monitor.start_analysis(analysis("a", split(1, 10.0))).await;
    assert_eq!(started.verdict.unwrap().decision(), Decision::Undecided);
    monitor.stop().await;
}
