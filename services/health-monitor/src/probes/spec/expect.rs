//! What an answer must be, and what is taken of it.

use std::{collections::BTreeSet, time::Duration};

use bellwether_proto::monitor::v1::{self as pb, probe_extract::From as Given};
use bellwether_resource::{Violations, name::is_id};
use regex::{Regex, RegexBuilder};

use super::{Expect, Extract, Wanted, Where, access::header_name, template::BUILT_IN};

const MOST: usize = 16;
const MOST_JSON: usize = 32;
const MOST_TEXT: usize = 1_000;
/// Of a compiled expression: beyond it, it is refused.
const MOST_REGEX: usize = 256 * 1024;
const LATENCY: std::ops::RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(60);

// === impl Expect ===

impl Expect {
    /// With its violations noted.
    pub fn read(violations: &mut Violations, given: &pb::HttpExpectation) -> Self {
        for (field, count, most) in [
            ("statuses", given.statuses.len(), MOST),
            ("headers", given.headers.len(), MOST),
            ("body_contains", given.body_contains.len(), MOST),
            ("body_matches", given.body_matches.len(), MOST),
            ("json", given.json.len(), MOST_JSON),
        ] {
            violations.check(count <= most, field, count, format!("at most {most}"));
        }
        for (index, text) in given.body_contains.iter().enumerate() {
            violations.text(&format!("body_contains[{index}]"), text, 1..=MOST_TEXT);
        }
        let matches = given.body_matches.iter().enumerate();
        Self {
            statuses: statuses(violations, &given.statuses),
            headers: headers(violations, &given.headers),
            contains: given.body_contains.clone(),
            matches: matches
                .filter_map(|(index, given)| regex(violations, &format!("body_matches[{index}]"), given, 1))
                .collect(),
            json: json(violations, &given.json),
            max_latency: violations.duration("max_latency", given.max_latency.as_ref(), LATENCY),
        }
    }
}

fn statuses(violations: &mut Violations, given: &[i32]) -> Vec<u16> {
    let mut read = |(index, status): (usize, &i32)| {
        violations.range(&format!("statuses[{index}]"), *status, 100..=599);
        u16::try_from(*status).ok()
    };
    given.iter().enumerate().filter_map(&mut read).collect()
}

fn headers(violations: &mut Violations, given: &[pb::HeaderExpectation]) -> Vec<(http::HeaderName, Wanted)> {
    let mut read = |(index, header): (usize, &pb::HeaderExpectation)| {
        violations.element("headers", index, |violations| {
            let wanted = wanted(violations, header.equals.as_ref(), &header.matches);
            Some((named(violations, "name", &header.name)?, wanted))
        })
    };
    given.iter().enumerate().filter_map(&mut read).collect()
}

fn json(violations: &mut Violations, given: &[pb::JsonExpectation]) -> Vec<(String, Wanted)> {
    let mut read = |(index, value): (usize, &pb::JsonExpectation)| {
        violations.element("json", index, |violations| {
            pointer(violations, "pointer", &value.pointer);
            (value.pointer.clone(), wanted(violations, value.equals.as_ref(), &value.matches))
        })
    };
    given.iter().enumerate().map(&mut read).collect()
}

fn wanted(violations: &mut Violations, equals: Option<&String>, matches: &str) -> Wanted {
    if let Some(equals) = equals {
        violations.text("equals", equals, 0..=MOST_TEXT);
    }
    Wanted { equals: equals.cloned(), matches: regex(violations, "matches", matches, 0) }
}

/// What a step takes of its answer. `known`: the names that there are, to which its own are added.
pub fn extracts(
    violations: &mut Violations,
    given: &[pb::ProbeExtract],
    known: &mut BTreeSet<String>,
) -> Vec<Extract> {
    violations.check(given.len() <= MOST, "extract", given.len(), "at most 16");
    let mut read = |(index, given): (usize, &pb::ProbeExtract)| {
        violations.element("extract", index, |violations| {
            let free = is_id(&given.name) && !BUILT_IN.contains(&given.name.as_str());
            let new = known.insert(given.name.clone());
            let allowed =
                "[a-z][a-z0-9-]{0,62}, distinct within the journey, none of application, environment, run";
            violations.check(free && new, "name", format!("{:?}", given.name), allowed);
            let part = regex(violations, "matches", &given.matches, 0);
            let from = match violations.required("from", given.from.as_ref())? {
                Given::Header(name) => Where::Header(named(violations, "header", name)?),
                Given::Json(at) => {
                    pointer(violations, "json", at);
                    Where::Json(at.clone())
                }
                Given::Body(whole) => {
                    violations.check(*whole, "body", whole, "true");
                    Where::Body
                }
            };
            Some(Extract { name: given.name.clone(), from, part })
        })
    };
    given.iter().enumerate().filter_map(&mut read).collect()
}

fn named(violations: &mut Violations, field: &str, given: &str) -> Option<http::HeaderName> {
    let name = header_name(given);
    violations.check(name.is_some(), field, format!("{given:?}"), "the name of a header");
    name
}

/// RFC 6901: empty, or `/` before each key, in which `~` stands only in `~0` and `~1`.
fn pointer(violations: &mut Violations, field: &str, given: &str) {
    let escaped = given.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    let holds = (given.is_empty() || given.starts_with('/')) && escaped && given.chars().count() <= MOST_TEXT;
    violations.check(
        holds,
        field,
        format!("{given:?}"),
        "a JSON Pointer, e.g. /items/0/price; at most 1000 characters",
    );
}

/// An expression that was given; None: it was not, or is none.
fn regex(violations: &mut Violations, field: &str, given: &str, least: usize) -> Option<Regex> {
    violations.text(field, given, least..=MOST_TEXT);
    if given.is_empty() {
        return None;
    }
    let regex = RegexBuilder::new(given).size_limit(MOST_REGEX).dfa_size_limit(MOST_REGEX).build();
    regex.inspect_err(|error| violations.add(field, format!("{given:?}"), allowed(error))).ok()
}

fn allowed(error: &regex::Error) -> String {
    let why = error.to_string();
    let last = why.lines().last().unwrap_or_default();
    format!("a regular expression of RE2: {}", last.trim_start_matches("error: "))
}
