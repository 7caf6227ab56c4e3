//! Steps that a user wrote out.

use std::{collections::BTreeSet, time::Duration};

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{
    Gate, GateKind, MatchRule, Mirror, Percent, Prepare, Replace, Role, Route, Scale, Size, Step,
    StringMatch, Wait,
};

use super::{bake, hook};
use crate::convert::fields::Fields;

const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// At least one, at most 200, gates and hooks with distinct ids.
pub(super) fn steps(fields: &Fields<'_>, given: &[pb::Step]) -> Vec<Step> {
    if given.is_empty() {
        fields.refuse("steps", "none", "1–200 steps");
    }
    fields.at_most("steps", given.len(), 200);
    distinct(fields, given);
    given.iter().enumerate().filter_map(|(at, step)| one(&fields.nth("steps", at), step)).collect()
}

fn one(fields: &Fields<'_>, given: &pb::Step) -> Option<Step> {
    fields.text("name", &given.name, 63);
    match &given.kind {
        None => {
            let kinds = "scale, route, replace, bake, gate, hook, wait, promote or prepare";
            fields.refuse("kind", "", kinds);
            None
        }
        Some(pb::step::Kind::Scale(it)) => Some(scale(&fields.at("scale"), it)),
        Some(pb::step::Kind::Route(it)) => Some(Step::Route(route(&fields.at("route"), it))),
        Some(pb::step::Kind::Replace(it)) => Some(replace(&fields.at("replace"), it)),
        Some(pb::step::Kind::Bake(it)) => Some(Step::Bake(bake::explicit(&fields.at("bake"), it))),
        Some(pb::step::Kind::Gate(it)) => Some(gate(&fields.at("gate"), it)),
        Some(pb::step::Kind::Hook(it)) => hook::hook(&fields.at("hook"), it).map(Step::Hook),
        Some(pb::step::Kind::Wait(it)) => Some(wait(&fields.at("wait"), it)),
        Some(pb::step::Kind::Promote(_)) => Some(Step::Promote),
        Some(pb::step::Kind::Prepare(it)) => prepare(&fields.at("prepare"), it),
    }
}

fn scale(fields: &Fields<'_>, given: &pb::Scale) -> Step {
    let fleet = match fields.choice("fleet", given.fleet) {
        None | Some(pb::FleetRole::Unspecified | pb::FleetRole::Candidate) => Role::Candidate,
        Some(pb::FleetRole::Stable) => Role::Stable,
    };
    let size = match given.size {
        None => {
            fields.refuse("size", "", "count, percent or match_traffic");
            Size::MatchWeight
        }
        Some(pb::scale::Size::Count(count)) => Size::Count(fields.count("count", count, 0..=10_000)),
        Some(pb::scale::Size::Percent(percent)) => Size::Percent(fields.percent("percent", percent)),
        Some(pb::scale::Size::MatchTraffic(_)) => Size::MatchWeight,
    };
    Step::Scale(Scale { fleet, size })
}

fn route(fields: &Fields<'_>, given: &pb::Route) -> Route {
    Route {
        percent: Some(fields.percent("percent", given.percent)),
        matches: matches(fields, &given.r#match),
        mirror: mirror(fields, given.mirror_percent),
        preview: given.preview,
    }
}

/// Header rules, each for the candidate.
pub(super) fn matches(fields: &Fields<'_>, given: &[pb::HeaderMatch]) -> Vec<MatchRule> {
    fields.at_most("match", given.len(), 32);
    let rule = |(at, given): (usize, &pb::HeaderMatch)| {
        let fields = fields.nth("match", at);
        if given.header.parse::<http::HeaderName>().is_err() {
            fields.refuse("header", &given.header, "a header's name");
        }
        fields.required("value", &given.value, 1024);
        let header = (given.header.to_ascii_lowercase(), StringMatch::Exact(given.value.clone()));
        MatchRule { headers: [header].into(), ..MatchRule::default() }
    };
    given.iter().enumerate().map(rule).collect()
}

/// Copies; none at 0 %.
pub(super) fn mirror(fields: &Fields<'_>, given: f64) -> Option<Mirror> {
    let percent = fields.percent("mirror_percent", given);
    (percent != Percent::ZERO).then_some(Mirror { percent, unsafe_methods: false })
}

/// A batch; a quarter of all where none is given.
pub(super) fn replace(fields: &Fields<'_>, given: &pb::Replace) -> Step {
    let batch = match fields.count("batch", given.batch, 0..=10_000) {
        0 => Size::Percent(Percent::new(25)),
        batch => Size::Count(batch),
    };
    let max_surge = fields.count("max_surge", given.max_surge, 0..=10_000);
    let max_unavailable = fields.count("max_unavailable", given.max_unavailable, 0..=10_000);
    if max_surge == 0 && max_unavailable == 0 {
        fields.refuse("max_surge", "0", "above 0 where max_unavailable is 0: nothing could be swapped");
    }
    Step::Replace(Replace {
        batch,
        max_surge: Size::Count(max_surge),
        max_unavailable: Size::Count(max_unavailable),
    })
}

fn gate(fields: &Fields<'_>, given: &pb::Gate) -> Step {
    fields.id("id", &given.id);
    fields.text("text", &given.text, 1000);
    let kind = if given.wants_value { GateKind::Input } else { GateKind::Approval };
    Step::Gate(Gate { kind, id: given.id.clone(), who: String::new(), text: given.text.clone() })
}

fn wait(fields: &Fields<'_>, given: &pb::Wait) -> Step {
    if given.duration.is_none() {
        fields.refuse("duration", "", "0 – 7 d");
    }
    let duration =
        fields.duration("duration", given.duration.as_ref(), Duration::ZERO..=WEEK, Duration::ZERO);
    Step::Wait(Wait { duration })
}

/// Without a call there is nothing to prepare, and no step.
fn prepare(fields: &Fields<'_>, given: &pb::Prepare) -> Option<Step> {
    let hook = hook::hook(&fields.at("hook"), given.hook.as_ref()?)?;
    Some(Step::Prepare(Prepare::Hook(hook)))
}

fn distinct(fields: &Fields<'_>, given: &[pb::Step]) {
    let mut seen = BTreeSet::new();
    for (at, step) in given.iter().enumerate() {
        let (kind, id) = match &step.kind {
            Some(pb::step::Kind::Gate(gate)) => ("gate", &gate.id),
            Some(pb::step::Kind::Hook(hook)) => ("hook", &hook.id),
            _ => continue,
        };
        if !seen.insert((kind, id)) {
            fields.nth("steps", at).at(kind).refuse("id", id, "an id that no other step has");
        }
    }
}
