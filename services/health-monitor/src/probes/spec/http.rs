//! Journeys.

use std::{
    collections::{BTreeSet, HashSet},
    str::FromStr as _,
};

use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;
use http::Method;
use url::Url;

use super::{
    Expect, Journey, Place, Step,
    access::{base_url, headers, is_callable},
    expect::extracts,
    template::{BUILT_IN, Template},
};

const MOST_STEPS: usize = 20;
const MOST_HEADERS: usize = 32;
const MOST_PATH: usize = 2_000;
const MOST_BODY: usize = 65_536;
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

// === impl Journey ===

impl Journey {
    /// With its violations noted; of use only when there are none.
    pub fn read(violations: &mut Violations, given: &pb::HttpJourney) -> Option<Self> {
        let count = given.steps.len();
        violations.check((1..=MOST_STEPS).contains(&count), "steps", count, "1 to 20 steps");
        let mut known: BTreeSet<String> = BUILT_IN.map(str::to_owned).into();
        let mut ids = HashSet::new();
        let mut read = |(index, step): (usize, &pb::HttpStep)| {
            violations.element("steps", index, |violations| {
                violations.id("id", &step.id);
                violations.check(ids.insert(step.id.clone()), "id", &step.id, "distinct within the journey");
                step_of(violations, step, &mut known)
            })
        };
        let steps = given.steps.iter().take(MOST_STEPS).enumerate().map(&mut read).collect();
        Some(Self { url: base_url(violations, "url", &given.url)?, steps })
    }
}

fn step_of(violations: &mut Violations, given: &pb::HttpStep, known: &mut BTreeSet<String>) -> Step {
    let named = headers(violations, &given.headers, MOST_HEADERS);
    let read = |(name, value): (http::HeaderName, &str)| {
        let template = Template::read_with_secrets(violations, &format!("headers.{name}"), value, known);
        (name, template)
    };
    let headers = named.into_iter().map(read).collect();
    violations.check(given.body.len() <= MOST_BODY, "body", given.body.len(), "at most 65536 bytes");
    let expect = given.expect.clone().unwrap_or_default();
    Step {
        id: given.id.clone(),
        method: method(violations, &given.method),
        place: place(violations, given, known),
        headers,
        body: Template::read_with_secrets(violations, "body", &given.body, known),
        expect: violations.within("expect", |violations| Expect::read(violations, &expect)),
        // what it takes is known to those that follow
        extract: extracts(violations, &given.extract, known),
    }
}

fn method(violations: &mut Violations, given: &str) -> Method {
    let given = if given.is_empty() { "GET" } else { given };
    violations.check(METHODS.contains(&given), "method", format!("{given:?}"), METHODS.join(", "));
    Method::from_str(given).unwrap_or_default()
}

fn place(violations: &mut Violations, given: &pb::HttpStep, known: &BTreeSet<String>) -> Place {
    violations.text("path", &given.path, 0..=MOST_PATH);
    violations.text("url", &given.url, 0..=MOST_PATH);
    if given.url.is_empty() {
        let path = if given.path.is_empty() { "/" } else { &given.path };
        violations.check(path.starts_with('/'), "path", format!("{path:?}"), "a path that begins with /");
        violations.check(!path.contains('#'), "path", format!("{path:?}"), "no fragment");
        return Place::Path(Template::read(violations, "path", path, known));
    }
    violations.check(given.path.is_empty(), "path", format!("{:?}", given.path), "nothing, or no url");
    let template = Template::read(violations, "url", &given.url, known);
    // whatever is put in further on, it is this host that is called
    let fixed = template.head().splitn(4, '/').count() == 4
        && Url::parse(template.head()).is_ok_and(|url| is_callable(&url));
    violations.check(
        fixed,
        "url",
        "no such address",
        "http or https with a host and a path, nothing extracted in scheme and host",
    );
    Place::Url(template)
}
