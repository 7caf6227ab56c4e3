//! Facts of releases.

use bellwether_proto::{
    common::v1::Change,
    planner::v1::{Release, ReleaseEnvironment, condition, release_environment::State},
};
use serde_json::Value;

use super::{Said, because, message, set_team};
use crate::message::{Class, Message, Phase, Severity, Source};

/// What the fact itself says, where it is about one environment.
struct Data {
    environment: String,
    state: Option<State>,
    code: String,
    text: String,
}

/// The message of a change of a release; none when it is not told, which is so for what the executor tells.
pub fn of(change: &Change, release: &Release) -> Option<Message> {
    let data = Data::read(&change.fact_json);
    let stage = release.environments.iter().find(|stage| stage.environment == data.environment);
    let said = said(change, &data, stage)?;
    let mut message = message(Source::Planner, change, &release.name, &said);
    set_team(&mut message, release.metadata.as_ref());
    message.label("application", release.application.trim_start_matches("applications/"));
    message.label("environment", &data.environment);
    message.label("release", release.name.trim_start_matches("releases/"));
    message.label("version", release.bundle.as_ref().map_or("", |bundle| bundle.version.as_str()));
    let place = if data.environment.is_empty() { String::new() } else { format!(" in {}", data.environment) };
    let title = format!("{}{place} {}", release.display_name, said.what);
    Some(message.saying(&title, &text(release, stage)))
}

/// The last environment that the release has reached; the first where it has reached none.
pub fn reached(release: &Release) -> Option<&ReleaseEnvironment> {
    let untouched = |stage: &&ReleaseEnvironment| matches!(stage.state(), State::Submitted | State::Planned);
    let last = release.environments.iter().rev().find(|stage| !untouched(stage));
    last.or_else(|| release.environments.first())
}

fn said(change: &Change, data: &Data, stage: Option<&ReleaseEnvironment>) -> Option<Said> {
    Some(match change.fact.as_str() {
        "RELEASE_SUBMITTED" => Said::progress(Phase::Pre, "was handed in"),
        "RELEASE_REPLANNED" => {
            Said::progress(Phase::Pre, "was planned anew; approvals of the old plan are void")
        }
        "RELEASE_APPROVED" => Said::progress(Phase::Pre, "was approved"),
        "RELEASE_PROMOTED" => Said::progress(Phase::Pre, "was promoted by hand"),
        "RELEASE_MOVED" => moved(data, stage?)?,
        "RELEASE_HEALTH_LOST" => {
            Said { severity: Severity::Warning, ..Said::progress(Phase::Post, "is live and not healthy") }
        }
        "RELEASE_HEALTH_REGAINED" => Said::progress(Phase::Post, "is healthy again"),
        "RELEASE_RESTORED" => Said::progress(Phase::Post, "is live again"),
        _ => return None,
    })
}

/// A release that has moved; what its rollout does is told by the executor.
fn moved(data: &Data, stage: &ReleaseEnvironment) -> Option<Said> {
    let why = || match data.text.as_str() {
        "" => because(stage.reason.as_ref()),
        text => format!(": {text}"),
    };
    Some(match data.state.unwrap_or(stage.state()) {
        State::Waiting if asks(data, stage) => {
            Said::new(Class::Approval, Severity::Info, Phase::Pre, format!("asks for approval{}", why()))
        }
        State::Waiting => Said::progress(Phase::Pre, format!("waits{}", why())),
        State::Soaking => Said::progress(Phase::Post, format!("soaks{}", why())),
        State::Completed => Said::terminal(Severity::Info, format!("is complete{}", why())),
        State::Failed => Said::new(Class::Page, Severity::Critical, Phase::Post, format!("failed{}", why())),
        State::Rejected => Said::terminal(Severity::Warning, format!("was rejected{}", why())),
        State::Cancelled => Said::terminal(Severity::Info, format!("was cancelled{}", why())),
        State::Expired => Said::terminal(Severity::Warning, format!("has expired{}", why())),
        State::Superseded => Said::terminal(Severity::Info, format!("was superseded{}", why())),
        State::RolledBack => Said::terminal(Severity::Warning, format!("was rolled back{}", why())),
        State::Unspecified | State::Submitted | State::Planned | State::RollingOut => return None,
    })
}

/// Whether an approval is what is missing first.
fn asks(data: &Data, stage: &ReleaseEnvironment) -> bool {
    if !data.code.is_empty() {
        return data.code.starts_with("APPROVAL");
    }
    stage.conditions.iter().any(|condition| {
        condition.kind() == condition::Kind::Approval && condition.state() == condition::State::Unmet
    })
}

fn text(release: &Release, stage: Option<&ReleaseEnvironment>) -> String {
    let conditions = stage.into_iter().flat_map(|stage| &stage.conditions);
    let unmet = conditions.filter(|condition| condition.state() == condition::State::Unmet);
    let mut lines: Vec<_> = unmet
        .map(|condition| {
            format!("{}: {} is asked for, there is {}", condition.code, condition.expected, condition.actual)
        })
        .collect();
    let actions: Vec<_> = release.allowed_actions.iter().map(|action| action.command.as_str()).collect();
    lines.extend((!actions.is_empty()).then(|| format!("Now possible: {}", actions.join(" | "))));
    lines.join("\n")
}

// === impl Data ===

impl Data {
    /// Facts of approvals have the environment inside of the approval.
    fn read(json: &str) -> Self {
        let data: Value = serde_json::from_str(json).unwrap_or_default();
        let text =
            |pointer: &str| data.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let environment = [text("/environment"), text("/approval/environment")].concat();
        let state = State::from_str_name(&format!("STATE_{}", text("/to")));
        Self { environment, state, code: text("/code"), text: text("/text") }
    }
}
