//! Steps that a user wrote out, as far as a plan depends on them. The executor reads all of them, and refuses what is wrong.

use std::time::Duration;

use bellwether_proto::executor::v1::{self as pb, step::Kind};
use bellwether_resource::time;
use bellwether_rollout::{
    Bake, Call, Gate, GateKind, Hook, MatchRule, Mirror, Percent, Prepare, Replace, Role, Route, Scale, Size,
    Step, Wait,
};

/// A bake that says nothing; as in the executor.
const BAKE_MIN: Duration = Duration::from_secs(30);
const BAKE_MAX: Duration = Duration::from_secs(30 * 60);

/// The steps.
pub(super) fn steps(written: &[pb::Step]) -> Vec<Step> {
    written.iter().filter_map(|step| one(step.kind.as_ref()?)).collect()
}

fn one(kind: &Kind) -> Option<Step> {
    Some(match kind {
        Kind::Scale(it) => Step::Scale(scale(it)),
        Kind::Route(it) => Step::Route(route(it)),
        Kind::Replace(it) => Step::Replace(replace(it)),
        Kind::Bake(it) => Step::Bake(bake(it)),
        Kind::Gate(it) => {
            let kind = if it.wants_value { GateKind::Input } else { GateKind::Approval };
            Step::Gate(Gate { kind, id: it.id.clone(), who: String::new(), text: it.text.clone() })
        }
        Kind::Hook(it) => Step::Hook(hook(it)),
        Kind::Wait(it) => Step::Wait(Wait { duration: span(it.duration.as_ref(), Duration::ZERO) }),
        Kind::Promote(_) => Step::Promote,
        // without a call there is nothing to prepare, and no step
        Kind::Prepare(it) => Step::Prepare(Prepare::Hook(hook(it.hook.as_ref()?))),
    })
}

fn scale(given: &pb::Scale) -> Scale {
    let fleet = match given.fleet() {
        pb::FleetRole::Unspecified | pb::FleetRole::Candidate => Role::Candidate,
        pb::FleetRole::Stable => Role::Stable,
    };
    let size = match given.size {
        Some(pb::scale::Size::Count(count)) => Size::Count(count_of(count)),
        Some(pb::scale::Size::Percent(percent)) => Size::Percent(percent_of(percent)),
        Some(pb::scale::Size::MatchTraffic(_)) | None => Size::MatchWeight,
    };
    Scale { fleet, size }
}

fn route(given: &pb::Route) -> Route {
    let mirror = percent_of(given.mirror_percent);
    Route {
        percent: Some(percent_of(given.percent)),
        matches: given.r#match.iter().map(|_| MatchRule::default()).collect(),
        mirror: (!mirror.is_zero()).then_some(Mirror { percent: mirror, unsafe_methods: false }),
        preview: given.preview,
    }
}

fn replace(given: &pb::Replace) -> Replace {
    Replace {
        batch: match given.batch {
            0 => Size::Percent(Percent::new(25)),
            batch => Size::Count(count_of(batch)),
        },
        max_surge: Size::Count(count_of(given.max_surge)),
        max_unavailable: Size::Count(count_of(given.max_unavailable)),
    }
}

fn bake(given: &pb::Bake) -> Bake {
    let min = span(given.min.as_ref(), BAKE_MIN);
    Bake { min, max: span(given.max.as_ref(), BAKE_MAX.max(min)), checks: !given.no_checks }
}

/// What it calls is not looked at.
fn hook(given: &pb::Hook) -> Hook {
    let (call, timeout) = (Call::Command { argv: Vec::new() }, Duration::from_secs(300));
    Hook { name: given.id.clone(), call, timeout, on_undo: None, on_unknown: None }
}

fn span(given: Option<&bellwether_proto::Duration>, default: Duration) -> Duration {
    given.and_then(time::span).unwrap_or(default)
}

fn count_of(given: i32) -> u32 {
    u32::try_from(given).unwrap_or(0)
}

fn percent_of(given: f64) -> Percent {
    Percent::from_f64(given).unwrap_or_default()
}
