use bellwether_proto::{
    common::v1::{Change, Reason},
    executor::v1::{Artifact, FleetSpec, Pause, Rollout, StepStatus, pause},
    monitor::v1::{Analysis, CheckResult, Decision, Level, Verdict},
    planner::v1::{Release, ReleaseEnvironment, release_environment},
};

use super::*;
use crate::message::{CdKind, event_type, render};

fn change(fact: &str, sequence: i64) -> Change {
    let time = Some(bellwether_proto::Timestamp { seconds: 1_770_000_000, nanos: 0 });
    Change { fact: fact.to_owned(), sequence, time, ..Default::default() }
}

fn rollout(version: &str) -> Rollout {
    let artifact = Artifact { name: "shop app".into(), digest: "ab12".into(), source: None };
    let spec = FleetSpec { version: version.into(), artifact: Some(artifact), ..Default::default() };
    Rollout {
        name: "rollouts/0197".into(),
        display_name: "shop@production-17".into(),
        target: "targets/shop@production".into(),
        spec: Some(spec),
        release: "releases/0198".into(),
        previous_fleet: "0196".into(),
        ..Default::default()
    }
}

#[test]
fn a_success_is_an_upgrade_a_first_one_a_deployment() {
    let message = rollouts::of(&change("ROLLOUT_SUCCEEDED", 9), &rollout("1.4.2"), None).unwrap();
    assert_eq!(message.title, "shop@production-17 (1.4.2) succeeded");
    assert_eq!((message.class, message.labelled("phase")), (Class::Terminal, "POST"));
    assert_eq!(message.labelled("outcome"), "SUCCEEDED");
    assert_eq!((message.labelled("application"), message.labelled("environment")), ("shop", "production"));
    let cdevent = message.cdevent.unwrap();
    assert_eq!(cdevent.kind, CdKind::ServiceUpgraded);
    assert_eq!(cdevent.artifact, "pkg:generic/shop%20app@1.4.2?checksum=sha256:ab12");
    let first = Rollout { previous_fleet: String::new(), ..rollout("1.0") };
    let message = rollouts::of(&change("ROLLOUT_SUCCEEDED", 9), &first, None).unwrap();
    assert_eq!(message.cdevent.unwrap().kind, CdKind::ServiceDeployed);
}

#[test]
fn what_changed_nothing_has_no_cdevent() {
    let reason = Reason { code: "UNCHANGED".into(), ..Default::default() };
    let same = Rollout { reason: Some(reason), ..rollout("1.4.2") };
    let message = rollouts::of(&change("ROLLOUT_SUCCEEDED", 9), &same, None).unwrap();
    assert_eq!(event_type(&message), "dev.bellwether.rollout_succeeded");
}

#[test]
fn a_rollback_names_the_artifact_that_serves_now() {
    let back = change("ROLLOUT_ROLLED_BACK", 9);
    assert_eq!(rollouts::previous(&back, &rollout("1.4.2")).as_deref(), Some("rollouts/0196"));
    let message = rollouts::of(&back, &rollout("1.4.2"), Some(&rollout("1.4.1"))).unwrap();
    assert_eq!(message.labelled("severity"), "warning");
    let cdevent = message.cdevent.unwrap();
    assert_eq!(cdevent.kind, CdKind::ServiceRolledBack);
    assert!(cdevent.artifact.contains("@1.4.1?"), "{}", cdevent.artifact);
    let unknown = rollouts::of(&back, &rollout("1.4.2"), None).unwrap();
    assert!(unknown.cdevent.is_none(), "without the artifact there is no valid event");
}

#[test]
fn what_waits_for_a_person_is_never_progress() {
    let page = rollouts::of(&change("ROLLOUT_NEEDS_OPERATOR", 3), &rollout("2"), None).unwrap();
    assert_eq!((page.class, page.labelled("severity")), (Class::Page, "critical"));
    assert_eq!(page.cdevent.unwrap().kind, CdKind::IncidentDetected);
    let gate = StepStatus { kind: "GATE".into(), name: "Gate go".into(), ..Default::default() };
    let asking = Rollout { steps: vec![gate], ..rollout("2") };
    let gate = rollouts::of(&change("ROLLOUT_STEP_STARTED", 4), &asking, None).unwrap();
    assert_eq!(gate.class, Class::Approval);
    let mut pause = Pause { reason: "undecided".into(), ..Default::default() };
    pause.set_owner(pause::Owner::Policy);
    let held = Rollout { pauses: vec![pause], ..rollout("2") };
    let held = rollouts::of(&change("ROLLOUT_PAUSED", 5), &held, None).unwrap();
    assert_eq!(held.class, Class::Approval);
}

#[test]
fn the_machines_own_business_is_not_told() {
    for fact in ["ROLLOUT_STEP_ISSUED", "ROLLOUT_SEGMENT_STARTED", "ROLLOUT_JUDGED", "SOMETHING_NEW"] {
        assert!(rollouts::of(&change(fact, 1), &rollout("1"), None).is_none(), "{fact}");
    }
}

#[test]
fn the_same_fact_makes_the_same_bytes_and_a_later_one_another_id() {
    let one = rollouts::of(&change("ROLLOUT_STARTED", 5), &rollout("1"), None).unwrap();
    let again = rollouts::of(&change("ROLLOUT_STARTED", 5), &rollout("1"), None).unwrap();
    let later = rollouts::of(&change("ROLLOUT_STARTED", 6), &rollout("1"), None).unwrap();
    assert_eq!(render(&one), render(&again));
    assert_ne!(one.event_id, later.event_id);
}

#[test]
fn what_the_fact_says_goes_before_where_the_rollout_stands_by_now() {
    let step = |name: &str| StepStatus { kind: "ROUTE".into(), name: name.into(), ..Default::default() };
    let steps = vec![step("Route 10 %"), step("Route 50 %")];
    let later = Rollout { steps, step_index: 1, ..rollout("2") };
    let fact_json = r#"{"event":{"rollout":{"id":"x","what":{"step_started":{"index":0,"attempt":1}}}}}"#;
    let started = Change { fact_json: fact_json.into(), ..change("ROLLOUT_STEP_STARTED", 4) };
    let message = rollouts::of(&started, &later, None).unwrap();
    assert!(message.title.ends_with("is at Route 10 %"), "{}", message.title);
    let fact_json =
        r#"{"event":{"rollout":{"id":"x","what":{"paused":{"owner":"POLICY","reason":{"text":"why"}}}}}}"#;
    let paused = Change { fact_json: fact_json.into(), ..change("ROLLOUT_PAUSED", 5) };
    assert_eq!(rollouts::of(&paused, &later, None).unwrap().class, Class::Approval);
    let fact_json = r#"{"event":{"rollout":{"id":"x","what":{"held":null}}}}"#;
    let goes_on = Change { fact_json: fact_json.into(), ..change("ROLLOUT_HELD", 6) };
    assert!(rollouts::of(&goes_on, &later, None).is_none());
}

fn release(environment: &str, state: release_environment::State) -> Release {
    let mut stage = ReleaseEnvironment { environment: environment.into(), ..Default::default() };
    stage.set_state(state);
    Release {
        name: "releases/0198".into(),
        display_name: "shop 1.4.2".into(),
        application: "applications/shop".into(),
        environments: vec![stage],
        ..Default::default()
    }
}

#[test]
fn a_release_asks_for_approval_and_moves_as_the_fact_says() {
    let later = release("production", release_environment::State::Completed);
    let fact_json =
        r#"{"type":"MOVED","environment":"production","to":"WAITING","code":"APPROVAL","text":"1 of 2"}"#;
    let moved = Change { fact_json: fact_json.into(), ..change("RELEASE_MOVED", 7) };
    let asks = releases::of(&moved, &later).unwrap();
    assert_eq!((asks.class, asks.labelled("phase")), (Class::Approval, "PRE"));
    assert_eq!(asks.title, "shop 1.4.2 in production asks for approval: 1 of 2");
    assert_eq!(asks.labelled("environment"), "production");
    let standing = Change { fact_json: r#"{"environment":"production"}"#.into(), ..moved };
    assert_eq!(releases::of(&standing, &later).unwrap().class, Class::Terminal);
    let fact_json = r#"{"type":"APPROVED","approval":{"environment":"production"}}"#;
    let approved = Change { fact_json: fact_json.into(), ..change("RELEASE_APPROVED", 8) };
    assert_eq!(releases::of(&approved, &later).unwrap().title, "shop 1.4.2 in production was approved");
    assert!(releases::of(&change("RELEASE_ROLLOUT_STARTED", 9), &later).is_none(), "the executor tells that");
}

#[test]
fn verdicts_are_told_when_they_change_with_what_is_wrong() {
    let analysis = Analysis {
        name: "analyses/0197".into(),
        target: "targets/shop@production".into(),
        ..Default::default()
    };
    let mut check =
        CheckResult { id: "errors".into(), text: "5.1 % against 0.1 %".into(), ..Default::default() };
    check.set_level(Level::Fail);
    let mut verdict = Verdict {
        segment: 2,
        sequence: 9,
        checks: vec![check, CheckResult::default()],
        ..Default::default()
    };
    verdict.set_decision(Decision::Fail);
    let fail = verdicts::of(&verdict, &analysis).unwrap();
    assert_eq!((fail.subject.as_str(), fail.labelled("severity")), ("rollouts/0197", "warning"));
    assert!(fail.text.starts_with("errors: 5.1 % against 0.1 %"), "{}", fail.text);
    assert!(verdicts::of(&Verdict { sequence: 0, ..verdict.clone() }, &analysis).is_none(), "a refresh");
    verdict.set_decision(Decision::Undecided);
    assert!(verdicts::of(&verdict, &analysis).is_none());
}
