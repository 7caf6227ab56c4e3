//! Facts of targets that belong to no rollout.

use bellwether_proto::{common::v1::Change, executor::v1::Target};

use super::{Said, because, message, set_target, set_team};
use crate::message::{CdEvent, CdKind, Message, Phase, Severity, Source};

/// The message of a change of a target; none when it is not told.
pub fn of(change: &Change, target: &Target) -> Option<Message> {
    let said = said(change, target)?;
    let mut message = message(Source::Executor, change, &target.name, &said);
    set_team(&mut message, target.metadata.as_ref());
    set_target(&mut message, &target.name);
    let version = target.stable.as_ref().and_then(|fleet| fleet.spec.as_ref());
    message.label("version", version.map_or("", |spec| spec.version.as_str()));
    let title = format!("{} {}", message.labelled("target"), said.what);
    message.cdevent = cdevent(&change.fact, &message, &title);
    Some(message.saying(&title, ""))
}

fn said(change: &Change, target: &Target) -> Option<Said> {
    let why = || because(target.needs_operator.as_ref());
    Some(match change.fact.as_str() {
        "TARGET_APPLIED" => Said::progress(Phase::Pre, "was configured"),
        "TARGET_DELETED" => Said::terminal(Severity::Info, "was deleted"),
        "TARGET_NEEDS_OPERATOR" => Said::page(format!("needs an operator{}", why())),
        "TARGET_RESOLVED" => Said::terminal(Severity::Info, "got a decision of an operator"),
        "TARGET_TAKEN_OVER" => {
            Said::page("was taken over past the executor; nothing converges until it is handed back")
        }
        "TARGET_HANDED_BACK" => Said::terminal(Severity::Info, "was handed back to the executor"),
        "DRIFT_CORRECTED" => {
            let said = Said::progress(Phase::Post, "had been changed on the platform; that was corrected");
            Said { severity: Severity::Warning, ..said }
        }
        "DRIFT_CONTESTED" => {
            Said::page("was changed on the platform again; nothing converges until somebody decides")
        }
        "MONITOR_INCIDENT" => Said::page(incident(change)),
        _ => return None,
    })
}

/// One incident of several targets, told by one of them.
fn incident(change: &Change) -> String {
    let fact: serde_json::Value = serde_json::from_str(&change.fact_json).unwrap_or_default();
    let incident = &fact["event"]["incident"];
    let targets = incident["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let names: Vec<_> = targets.iter().filter_map(|it| it.as_str()?.strip_prefix("targets/")).collect();
    let text = incident["reason"]["text"].as_str().unwrap_or("several targets lost what watches them");
    format!("holds with others: {text} ({})", names.join(", "))
}

fn cdevent(fact: &str, message: &Message, title: &str) -> Option<CdEvent> {
    let kind = match fact {
        "TARGET_DELETED" => CdKind::ServiceRemoved,
        "TARGET_NEEDS_OPERATOR" | "TARGET_TAKEN_OVER" | "DRIFT_CONTESTED" | "MONITOR_INCIDENT" => {
            CdKind::IncidentDetected
        }
        _ => return None,
    };
    Some(CdEvent {
        kind,
        service: message.labelled("application").to_owned(),
        environment: message.labelled("environment").to_owned(),
        artifact: String::new(),
        description: title.to_owned(),
        chain: String::new(),
    })
}
