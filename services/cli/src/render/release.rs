//! A release on its road.

use bellwether_proto::planner::v1::{Condition, Release, ReleaseEnvironment, condition};
use jiff::Timestamp;

use super::{
    rollout::{actions, brief},
    style::{self, Tone, paint},
    table,
};
use crate::names::short;

/// The view of one release, a string a line.
pub fn view(release: &Release, now: Timestamp) -> Vec<String> {
    let created = release.metadata.as_ref().and_then(|m| m.create_time.as_ref());
    let mut lines = vec![format!(
        "{}  {}  {}  submitted {}",
        paint(&release.display_name, Tone::Strong),
        style::state(release.state().as_str_name(), "STATE_"),
        release.name,
        style::ago(created, now)
    )];
    if let Some(why) = &release.reason {
        lines.push(format!("why        {}", brief(why)));
    }
    for environment in &release.environments {
        lines.extend(self::environment(environment, now));
    }
    lines.extend(actions(&release.allowed_actions));
    lines
}

fn environment(environment: &ReleaseEnvironment, now: Timestamp) -> Vec<String> {
    let state = style::state(environment.state().as_str_name(), "STATE_");
    let live = environment
        .live_since
        .as_ref()
        .map_or(String::new(), |t| format!(", live since {}", style::ago(Some(t), now)));
    let mut lines =
        vec![format!("{:<10} {state}  {}{live}", environment.environment, environment.rollout_display_name)];
    if let Some(why) = &environment.reason {
        lines.push(format!("           {}", brief(why)));
    }
    lines.extend(open(&environment.conditions, now).into_iter().map(|line| format!("           {line}")));
    lines
}

/// What a start still waits for, or what cannot be shown; `explain` has the rest.
pub fn open(all: &[Condition], now: Timestamp) -> Vec<String> {
    conditions(all.iter().filter(|condition| condition.state() != condition::State::Met), now)
}

/// What a start depends on: what is open, what is closed and what would open it.
pub fn conditions<'c>(conditions: impl IntoIterator<Item = &'c Condition>, now: Timestamp) -> Vec<String> {
    conditions
        .into_iter()
        .map(|condition| {
            let mark = match condition.state() {
                condition::State::Met => paint("✔", Tone::Good),
                condition::State::Unmet => paint("✘", Tone::Bad),
                condition::State::NotEnforced | condition::State::Unspecified => paint("!", Tone::Warn),
            };
            let mut text =
                format!("{mark} {}: {}, is {}", condition.code, condition.expected, condition.actual);
            if let Some(next) = condition.next_change_time.as_ref().and_then(style::time) {
                text.push_str(&format!(", changes in {}", style::between(now, next)));
            }
            if !condition.remedy.is_empty() {
                text.push_str(&format!(" → {}", condition.remedy));
            }
            text
        })
        .collect()
}

/// Many releases.
pub fn list(releases: &[Release], now: Timestamp) -> String {
    table(
        ["RELEASE", "NAME", "STATE", "ENVIRONMENTS", "AGE", "WHY"],
        releases.iter().map(|release| {
            let created = release.metadata.as_ref().and_then(|m| m.create_time.as_ref());
            let road: Vec<String> = release
                .environments
                .iter()
                .map(|e| {
                    format!(
                        "{} {}",
                        e.environment,
                        style::state(e.state().as_str_name(), "STATE_").to_lowercase()
                    )
                })
                .collect();
            [
                release.display_name.clone(),
                short(&release.name).to_owned(),
                style::state(release.state().as_str_name(), "STATE_"),
                road.join(" → "),
                style::ago(created, now),
                release.reason.as_ref().map_or_else(String::new, |r| r.code.clone()),
            ]
        }),
    )
}
