//! `bellwether policy test`: which faults would a policy miss?

use std::{fs, path::Path, time::Duration};

use anyhow::Context as _;
use bellwether_proto::monitor::v1::{
    Decision, Fault, HealthPolicy, Replay, ReplayRecordingRequest, ReplayRecordingResponse,
};

use super::replay::analysis;
use crate::{
    args::{PolicyCommand, PolicyTestArgs},
    exit::Exit,
    names::Unfit,
    render::{self, Format, style},
    session::Session,
    yaml,
};

/// What is put into the recording, and what people call it.
const FAULTS: [(Fault, &str); 6] = [
    (Fault::Errors, "5 % errors"),
    (Fault::Unauthorized, "5 % answered 401"),
    (Fault::P99, "p99 three times as slow"),
    (Fault::Tail, "tail above p95 twice as slow"),
    (Fault::Business, "business down by half"),
    (Fault::Silence, "silence"),
];

/// Puts every fault into what was recorded of a rollout, and lists which ones the policy sees, and how soon.
///
/// # Errors
/// When the file is no policy, or what the server says.
pub async fn run(session: &Session, format: Format, command: &PolicyCommand) -> anyhow::Result<Exit> {
    let PolicyCommand::Test(args) = command;
    let request = ReplayRecordingRequest {
        name: analysis(session, &args.rollout).await?,
        policy: Some(read(&args.policy)?),
        faults: FAULTS.iter().map(|(fault, _)| (*fault).into()).collect(),
        curves: false,
        fault_after: Some(style::to_span(args.after)),
    };
    let answer = session.monitor().replay_recording(request).await?.into_inner();
    render::print(format, &answer, |answer| view(answer, args))?;
    Ok(Exit::Ok)
}

fn view(answer: &ReplayRecordingResponse, args: &PolicyTestArgs) -> String {
    let plain = answer.replays.first();
    let fails = |replay: &&Replay| replay.verdicts.iter().any(|v| v.decision() == Decision::Fail);
    if plain.filter(fails).is_some() {
        return format!(
            "the policy fails {} as it was recorded: test it on a rollout that was good, so that what it sees is the fault",
            args.rollout
        );
    }
    let lasted =
        |replay: &Replay| replay.observed.as_ref().is_some_and(|span| style::span(span) > Duration::ZERO);
    if !answer.replays.iter().any(lasted) {
        return format!(
            "nothing is recorded of {} from {} on: take a rollout that had traffic, or a smaller --after",
            args.rollout,
            style::duration(args.after)
        );
    }
    let named = FAULTS.iter().zip(answer.replays.iter().skip(1));
    let rows = named.map(|((fault, name), replay)| {
        let [found, after, why] = finding(*fault, replay);
        [(*name).to_owned(), found, after, why]
    });
    render::table(["FAULT", "SEEN", "AFTER", "BY"], rows)
}

/// Whether a fault is seen, after what time, and by which checks.
fn finding(fault: Fault, replay: &Replay) -> [String; 3] {
    let Some(delay) = &replay.delay else {
        let observed = replay.observed.as_ref().map(style::span).map(style::duration).unwrap_or_default();
        let why = match fault {
            Fault::Business => unseen_business(replay),
            _ => "no check came to it",
        };
        let why = why.to_owned();
        return [style::paint("MISSED", style::Tone::Bad), format!("not in {observed}"), why];
    };
    let by: Vec<&str> = replay
        .last
        .iter()
        .flat_map(|verdict| &verdict.checks)
        .filter(|check| check.decision() == Decision::Fail)
        .map(|check| check.id.as_str())
        .collect();
    let reason = replay.last.as_ref().and_then(|verdict| verdict.reason.as_ref());
    let by = if by.is_empty() { reason.map_or(String::new(), |r| r.code.clone()) } else { by.join(", ") };
    [style::paint("seen", style::Tone::Good), style::duration(style::span(delay)), by]
}

/// Why a drop of what the business counts is not seen.
fn unseen_business(replay: &Replay) -> &'static str {
    let checks = replay.last.iter().flat_map(|verdict| &verdict.checks);
    let counts: Vec<u64> =
        checks.filter(|check| check.unit.starts_with("per ")).map(|check| check.baseline_samples).collect();
    if counts.is_empty() {
        "the policy has no check of what the business counts"
    } else if counts.iter().all(|counted| *counted == 0) {
        "nothing that its checks count is in the recording"
    } else {
        "no check came to it"
    }
}

/// A policy: a document of `kind: HealthPolicy`, or `defaults.health` of an application.
///
/// # Errors
/// When the file cannot be read, or is neither; with all of its problems.
pub fn read(file: &Path) -> anyhow::Result<HealthPolicy> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| Unfit(format!("cannot read {name}: {error}")))?;
    let pool = yaml::contracts()?;
    let documents = yaml::documents(&name, &text)?;
    let wanted = |kind: &str| documents.iter().find(|document| document.kind == kind);
    let (document, message) = match (wanted("HealthPolicy"), wanted("Application")) {
        (Some(policy), _) => (policy, "bellwether.monitor.v1.HealthPolicy"),
        (None, Some(application)) => (application, "bellwether.planner.v1.Application"),
        (None, None) => {
            return Err(Unfit(format!("{name} describes neither a HealthPolicy nor an Application")).into());
        }
    };
    let descriptor =
        pool.get_message_by_name(message).with_context(|| format!("{message} is not in the contracts"))?;
    let mut json = yaml::to_json(&name, &document.root, &descriptor)?;
    if document.kind == "Application" {
        json = json
            .pointer_mut("/defaults/health")
            .map(serde_json::Value::take)
            .unwrap_or(serde_json::json!({}));
    }
    Ok(serde_json::from_value(json)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(text: &str) -> anyhow::Result<HealthPolicy> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("policy.yaml");
        fs::write(&file, text)?;
        read(&file)
    }

    #[test]
    fn a_policy_is_read_by_itself_or_from_its_application() {
        let alone = described("kind: HealthPolicy\nalphaPercent: 2\n").unwrap();
        assert_eq!(alone.alpha_percent, Some(2.0));
        let within =
            described("name: applications/shop\ndefaults:\n  health:\n    alphaPercent: 3\n").unwrap();
        assert_eq!(within.alpha_percent, Some(3.0));
        assert_eq!(described("name: applications/shop\n").unwrap(), HealthPolicy::default());
        let wrong = described("kind: HealthPolicy\nalpha: 2\n").unwrap_err().to_string();
        assert!(wrong.contains("alpha"), "{wrong}");
        assert!(described("kind: Routing\n").is_err());
    }

    #[test]
    fn a_fault_that_is_missed_says_so_and_one_that_is_seen_says_by_what() {
        let missed = finding(Fault::Errors, &Replay::default());
        assert!(missed[0].contains("MISSED"), "{missed:?}");
        let business = |unit: &str, baseline_samples| {
            let check = bellwether_proto::monitor::v1::CheckResult {
                unit: unit.to_owned(),
                baseline_samples,
                ..Default::default()
            };
            let last = bellwether_proto::monitor::v1::Verdict { checks: vec![check], ..Default::default() };
            unseen_business(&Replay { last: Some(last), ..Default::default() })
        };
        assert!(business("percent", 9).contains("no check of"));
        assert!(business("per request", 0).contains("in the recording"));
        assert!(business("per request", 9).contains("came to it"));
        let failed = bellwether_proto::monitor::v1::CheckResult {
            id: "errors".to_owned(),
            decision: Decision::Fail.into(),
            ..Default::default()
        };
        let last = bellwether_proto::monitor::v1::Verdict { checks: vec![failed], ..Default::default() };
        let delay = Some(style::to_span(Duration::from_secs(12)));
        let seen = finding(Fault::Errors, &Replay { delay, last: Some(last), ..Default::default() });
        assert_eq!((seen[1].as_str(), seen[2].as_str()), ("12s", "errors"));
    }
}
