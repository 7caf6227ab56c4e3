//! Single values: what may be written, and what it becomes.

use jiff::{SignedDuration, Timestamp};
use prost_reflect::EnumDescriptor;
use serde_json::Value as Json;

use super::{
    Problem,
    node::{Node, Value},
};

pub(super) fn string(node: &Node, path: &str, problems: &mut Vec<Problem>) -> Json {
    match &node.value {
        Value::Str(text) => Json::String(text.clone()),
        // a version such as 1.2 is a number in YAML; guessing its digits would change 1.10 to 1.1
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => refuse(
            node,
            path,
            problems,
            &format!("must be a string: write \"{}\" in quotes", node.value.describe()),
        ),
        other => refuse(node, path, problems, &format!("must be a string, not {}", other.describe())),
    }
}

pub(super) fn boolean(node: &Node, path: &str, problems: &mut Vec<Problem>) -> Json {
    match &node.value {
        Value::Bool(value) => Json::Bool(*value),
        other => refuse(node, path, problems, &format!("must be true or false, not {}", other.describe())),
    }
}

pub(super) fn number(node: &Node, path: &str, problems: &mut Vec<Problem>) -> Json {
    match &node.value {
        Value::Float(value) if value.is_finite() => Json::from(*value),
        Value::Int(value) => Json::from(*value as f64),
        other => refuse(node, path, problems, &format!("must be a number, not {}", other.describe())),
    }
}

pub(super) fn integer(node: &Node, low: i128, high: i128, path: &str, problems: &mut Vec<Problem>) -> Json {
    match &node.value {
        // JSON carries 64-bit numbers as strings
        Value::Int(value) if (low..=high).contains(value) => Json::String(value.to_string()),
        Value::Int(value) => refuse(node, path, problems, &format!("{value} is outside of {low} to {high}")),
        other => refuse(node, path, problems, &format!("must be a whole number, not {}", other.describe())),
    }
}

pub(super) fn enumeration(
    node: &Node,
    descriptor: &EnumDescriptor,
    path: &str,
    problems: &mut Vec<Problem>,
) -> Json {
    let prefix = prefix(descriptor);
    let given = match &node.value {
        Value::Str(text) => text.to_uppercase().replace(['-', ' '], "_"),
        other => return refuse(node, path, problems, &format!("must be a name, not {}", other.describe())),
    };
    let found = descriptor
        .values()
        .find(|v| v.name() == given || v.name().strip_prefix(prefix.as_str()) == Some(given.as_str()));
    if let Some(value) = found {
        return Json::String(value.name().to_owned());
    }
    let allowed: Vec<String> = descriptor
        .values()
        .filter(|v| v.number() != 0)
        .map(|v| v.name().strip_prefix(prefix.as_str()).unwrap_or(v.name()).to_lowercase().replace('_', "-"))
        .collect();
    refuse(
        node,
        path,
        problems,
        &format!("{} is not known; allowed are {}", node.value.describe(), allowed.join(", ")),
    )
}

/// Durations as people write them: `90s`, `10m`, `1h 30m`, `250ms`, `PT5M`.
pub(super) fn duration(node: &Node, path: &str, problems: &mut Vec<Problem>) -> Json {
    const ALLOWED: &str = "must be a duration such as 500ms, 30s, 10m, 1h30m";
    let Value::Str(text) = &node.value else {
        return refuse(node, path, problems, &format!("{ALLOWED}, not {}", node.value.describe()));
    };
    match parse_duration(text) {
        Some(parsed) if parsed >= SignedDuration::ZERO => {
            Json::String(format!("{}.{:09}s", parsed.as_secs(), parsed.subsec_nanos()))
        }
        _ => refuse(node, path, problems, &format!("{ALLOWED}, not {text:?}")),
    }
}

fn parse_duration(text: &str) -> Option<SignedDuration> {
    if let Ok(parsed) = text.parse::<SignedDuration>() {
        return Some(parsed);
    }
    // days are 24 hours here: a hold time, not a calendar
    let days = text.strip_suffix('d')?.trim().parse::<u32>().ok()?;
    SignedDuration::try_from_hours(i64::from(days) * 24)
}

pub(super) fn timestamp(node: &Node, path: &str, problems: &mut Vec<Problem>) -> Json {
    let parsed = node.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    match parsed {
        Some(time) => Json::String(time.to_string()),
        None => refuse(node, path, problems, "must be a time such as 2026-11-24T08:00:00Z"),
    }
}

/// The name that was probably meant: at most two edits away.
pub(super) fn nearest<'a>(given: &str, names: &'a [String]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (edits(given, name), name.as_str()))
        .filter(|(distance, name)| *distance <= 2 && *distance < name.len())
        .min()
        .map(|(_, name)| name)
}

/// Levenshtein's distance, in one row.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (to, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let next = (diagonal + usize::from(from != *to)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// `APPLICATION_TYPE_` of `ApplicationType`: what its zero value has before `UNSPECIFIED`.
fn prefix(descriptor: &EnumDescriptor) -> String {
    descriptor.default_value().name().strip_suffix("UNSPECIFIED").unwrap_or_default().to_owned()
}

fn refuse(node: &Node, path: &str, problems: &mut Vec<Problem>, text: &str) -> Json {
    problems.push(node.problem(path, text));
    Json::Null
}
