//! Facts of rollouts.

use bellwether_proto::{
    common::v1::Change,
    executor::v1::{Rollout, StepStatus, pause},
};

use serde_json::Value;

use super::{Said, because, message, set_target, set_team};
use crate::message::{CdEvent, CdKind, Class, Message, Phase, Severity, Source};

/// The message of a change of a rollout; none when it is not told.
///
/// A rollout that was taken back names in its CDEvent the artifact that serves now, which is the previous fleet's:
/// the caller knows it or says none, and then there is no CDEvent.
pub fn of(change: &Change, rollout: &Rollout, previous: Option<&Rollout>) -> Option<Message> {
    let said = said(change, rollout)?;
    let mut message = message(Source::Executor, change, &rollout.name, &said);
    set_team(&mut message, rollout.metadata.as_ref());
    set_target(&mut message, &rollout.target);
    message.label("rollout", rollout.name.trim_start_matches("rollouts/"));
    message.label("release", rollout.release.trim_start_matches("releases/"));
    message.label("version", version(rollout));
    message.label("outcome", outcome(&change.fact));
    let title = format!("{} ({}) {}", rollout.display_name, version(rollout), said.what);
    message.cdevent = cdevent(&change.fact, rollout, previous, &message, &title);
    Some(message.saying(&title, &text(rollout)))
}

/// Whether a message of it needs the rollout that made the previous fleet, and which that is.
pub fn previous(change: &Change, rollout: &Rollout) -> Option<String> {
    let needed = change.fact == "ROLLOUT_ROLLED_BACK" && !rollout.previous_fleet.is_empty();
    needed.then(|| format!("rollouts/{}", rollout.previous_fleet))
}

fn said(change: &Change, rollout: &Rollout) -> Option<Said> {
    let why = || because(rollout.reason.as_ref());
    let (pre, during, post) = (Phase::Pre, Phase::During, Phase::Post);
    let data = data(change);
    Some(match change.fact.as_str() {
        "ROLLOUT_ACCEPTED" => Said::progress(pre, "was accepted"),
        "ROLLOUT_WAITING" => Said::progress(pre, format!("waits{}", why())),
        "ROLLOUT_STARTED" => Said::progress(during, "started"),
        "ROLLOUT_STEP_STARTED" => step(&data, rollout),
        "ROLLOUT_PAUSED" => paused(&data, rollout),
        "ROLLOUT_RESUMED" => Said::progress(during, "goes on"),
        "ROLLOUT_ADVANCED" => Said::progress(during, "was advanced by hand"),
        "ROLLOUT_HELD" if data.get("held") == Some(&Value::Null) => return None,
        "ROLLOUT_HELD" => {
            Said { severity: Severity::Warning, ..Said::progress(during, format!("holds{}", why())) }
        }
        "ROLLOUT_GATE_ANSWERED" => Said::progress(during, "got an answer to its gate"),
        "ROLLOUT_ROUTE_REFUSED" => Said {
            severity: Severity::Warning,
            ..Said::progress(during, "had its route refused by the router")
        },
        "ROLLOUT_NEEDS_OPERATOR" => Said::page(format!("needs an operator{}", why())),
        "ROLLOUT_RESOLVED" => Said::progress(during, "got a decision of an operator"),
        "ROLLOUT_ROLLBACK_STARTED" => {
            let severity = Severity::Warning;
            Said::new(Class::Terminal, severity, during, format!("is being taken back{}", why()))
        }
        "ROLLOUT_ROLLBACK_RESUMED" => Said::progress(during, "goes on being taken back"),
        "ROLLOUT_RECOVERY_STARTED" => Said::progress(during, "has its traffic back on stable"),
        "ROLLOUT_PROMOTED" => Said::progress(post, "is stable now"),
        "ROLLOUT_PROMOTE_REVERSED" => Said::progress(during, "is no longer stable"),
        "ROLLOUT_SUCCEEDED" => Said::terminal(Severity::Info, format!("succeeded{}", why())),
        "ROLLOUT_ROLLED_BACK" => Said::terminal(Severity::Warning, format!("was rolled back{}", why())),
        "ROLLOUT_SUPERSEDED" => Said::terminal(Severity::Info, format!("was superseded{}", why())),
        "ROLLOUT_CANCELLED" => Said::terminal(Severity::Info, format!("was cancelled{}", why())),
        _ => return None,
    })
}

/// The fact as the executor's journal has it: `{"event": {"rollout": {"id": …, "what": {KIND: {…}}}}}`. A reader that is
/// behind finds here what the resource no longer says.
fn data(change: &Change) -> Value {
    let mut fact: Value = serde_json::from_str(&change.fact_json).unwrap_or_default();
    fact.pointer_mut("/event/rollout/what").map(Value::take).unwrap_or_default()
}

/// A gate asks somebody; any other step is progress.
fn step(data: &Value, rollout: &Rollout) -> Said {
    let index = data.pointer("/step_started/index").and_then(Value::as_u64);
    let index = index.unwrap_or(u64::try_from(rollout.step_index).unwrap_or(u64::MAX));
    match usize::try_from(index).ok().and_then(|index| rollout.steps.get(index)) {
        Some(StepStatus { kind, name, undo: false, .. }) if kind == "GATE" => {
            Said::new(Class::Approval, Severity::Info, Phase::During, format!("asks for an answer: {name}"))
        }
        Some(step) => Said::progress(Phase::During, format!("is at {}", step.name)),
        None => Said::progress(Phase::During, "is at its next step"),
    }
}

/// A policy that pauses asks somebody; a person or a window that does is progress.
fn paused(data: &Value, rollout: &Rollout) -> Said {
    let by_policy = match data.pointer("/paused/owner") {
        Some(owner) => owner == "POLICY",
        None => rollout.pauses.iter().any(|pause| pause.owner() == pause::Owner::Policy),
    };
    let told = data.pointer("/paused/reason/text").and_then(Value::as_str);
    let shown = rollout.pauses.last().map(|pause| pause.reason.as_str());
    let why = told.or(shown).unwrap_or_default();
    if by_policy {
        let what = format!("is paused and waits for a decision: {why}");
        return Said::new(Class::Approval, Severity::Warning, Phase::During, what);
    }
    Said::progress(Phase::During, format!("is paused: {why}"))
}

fn outcome(fact: &str) -> &str {
    match fact {
        "ROLLOUT_SUCCEEDED" | "ROLLOUT_ROLLED_BACK" | "ROLLOUT_SUPERSEDED" | "ROLLOUT_CANCELLED" => {
            fact.trim_start_matches("ROLLOUT_")
        }
        _ => "",
    }
}

fn text(rollout: &Rollout) -> String {
    let traffic = if rollout.traffic_safe { "Traffic is safe." } else { "Traffic is NOT known to be safe." };
    let split: Vec<_> = rollout
        .split_observed
        .iter()
        .map(|share| format!("{} % on fleet {}", share.percent, share.fleet))
        .collect();
    let actions: Vec<_> = rollout.allowed_actions.iter().map(|action| action.command.as_str()).collect();
    let mut lines = vec![traffic.to_owned()];
    lines.extend((!split.is_empty()).then(|| format!("Split: {}.", split.join(", "))));
    lines.extend((!actions.is_empty()).then(|| format!("Now possible: {}", actions.join(" | "))));
    lines.join("\n")
}

fn version(rollout: &Rollout) -> &str {
    rollout.spec.as_ref().map_or("", |spec| spec.version.as_str())
}

fn cdevent(
    fact: &str,
    rollout: &Rollout,
    previous: Option<&Rollout>,
    message: &Message,
    title: &str,
) -> Option<CdEvent> {
    let unchanged = rollout.reason.as_ref().is_some_and(|reason| reason.code == "UNCHANGED");
    let (kind, serving) = match fact {
        "ROLLOUT_SUCCEEDED" if unchanged => return None,
        "ROLLOUT_SUCCEEDED" if !rollout.rollback_of.is_empty() => (CdKind::ServiceRolledBack, rollout),
        "ROLLOUT_SUCCEEDED" if rollout.previous_fleet.is_empty() => (CdKind::ServiceDeployed, rollout),
        "ROLLOUT_SUCCEEDED" => (CdKind::ServiceUpgraded, rollout),
        "ROLLOUT_ROLLED_BACK" => (CdKind::ServiceRolledBack, previous?),
        "ROLLOUT_NEEDS_OPERATOR" => (CdKind::IncidentDetected, rollout),
        _ => return None,
    };
    let service = message.labelled("application").to_owned();
    let chain = [&rollout.release, &rollout.name].into_iter().find(|name| !name.is_empty());
    Some(CdEvent {
        kind,
        artifact: purl(&service, serving),
        service,
        environment: message.labelled("environment").to_owned(),
        description: title.to_owned(),
        chain: chain.cloned().unwrap_or_default(),
    })
}

/// A package URL (<https://github.com/package-url/purl-spec>) for what a rollout brings.
fn purl(service: &str, rollout: &Rollout) -> String {
    let artifact = rollout.spec.as_ref().and_then(|spec| spec.artifact.as_ref());
    let digest = artifact.map_or("", |artifact| artifact.digest.trim_start_matches("sha256:"));
    let name = artifact.map(|artifact| artifact.name.as_str()).filter(|name| !name.is_empty());
    let base = format!("pkg:generic/{}@{}", escape(name.unwrap_or(service)), escape(version(rollout)));
    if digest.is_empty() { base } else { format!("{base}?checksum=sha256:{}", escape(digest)) }
}

fn escape(text: &str) -> String {
    let keep = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let escaped = text.bytes().map(|byte| match keep(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    escaped.collect()
}
