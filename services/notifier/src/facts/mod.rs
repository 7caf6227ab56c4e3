//! From the facts of the other services to messages. Pure.
//!
//! One module per resource. Each names the facts that are told; the others are the machine's own business. What a
//! message says follows from the fact, not from where the resource stands: a reader that is behind gets the resource
//! as it is later.

pub mod releases;
pub mod rollouts;
pub mod targets;
pub mod verdicts;

use bellwether_clock::Timestamp;
use bellwether_proto::common::v1::{Change, Metadata};

use crate::message::{Class, Message, Phase, Severity, Source};

/// How a fact is told.
struct Said {
    class: Class,
    severity: Severity,
    phase: Phase,
    what: String,
}

// === impl Said ===

impl Said {
    fn new(class: Class, severity: Severity, phase: Phase, what: impl Into<String>) -> Self {
        Self { class, severity, phase, what: what.into() }
    }

    fn progress(phase: Phase, what: impl Into<String>) -> Self {
        Self::new(Class::Progress, Severity::Info, phase, what)
    }

    fn terminal(severity: Severity, what: impl Into<String>) -> Self {
        Self::new(Class::Terminal, severity, Phase::Post, what)
    }

    fn page(what: impl Into<String>) -> Self {
        Self::new(Class::Page, Severity::Critical, Phase::During, what)
    }
}

/// The message of a change of `subject`. A fact's place is its position in the source's journal together with what it
/// is about: one position may concern two resources. The time keeps journals apart that were begun anew.
fn message(source: Source, change: &Change, subject: &str, said: &Said) -> Message {
    let place = format!("{subject}#{}", change.sequence);
    let message = Message::new(source, &place, &change.fact, time(change))
        .ranked(said.class, said.severity)
        .in_phase(said.phase)
        .about(subject);
    Message { trace: trace(change), ..message }
}

/// The services keep the `traceparent` of what led to a fact beside it.
fn trace(change: &Change) -> Option<String> {
    let fact: serde_json::Value = serde_json::from_str(&change.fact_json).ok()?;
    fact.get("trace")?.as_str().map(ToOwned::to_owned)
}

fn time(change: &Change) -> Timestamp {
    change.time.as_ref().and_then(bellwether_resource::time::timestamp).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn set_team(message: &mut Message, metadata: Option<&Metadata>) {
    let team = metadata.map_or("", |metadata| metadata.team.as_str());
    message.label("team", team);
    team.clone_into(&mut message.team);
}

/// `targets/shop@production` sets target, application and environment.
fn set_target(message: &mut Message, name: &str) {
    let id = name.trim_start_matches("targets/");
    let (application, environment) = id.split_once('@').unwrap_or((id, ""));
    message.label("target", id);
    message.label("application", application);
    message.label("environment", environment);
}

/// `: why`, or nothing.
fn because(reason: Option<&bellwether_proto::common::v1::Reason>) -> String {
    match reason {
        Some(reason) if !reason.text.is_empty() => format!(": {}", reason.text),
        Some(reason) if !reason.code.is_empty() => format!(": {}", reason.code),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
