//! Deployments. What is the executor's is checked by it as well; here is what a plan depends on.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use bellwether_proto::{
    executor::v1::{self as executor, strategy::Kind},
    planner::v1 as pb,
};
use bellwether_resource::Violations;

const HOUR: Duration = Duration::from_secs(60 * 60);
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

pub(super) fn deployment(violations: &mut Violations, given: &pb::Deployment) {
    violations.range("instances", given.instances, 0..=10_000);
    violations.check(given.command.len() <= 256, "command", given.command.len(), "at most 256 words");
    if !given.listen.is_empty() {
        address(violations, "listen", &given.listen);
    }
    violations.check(given.ingress.len() <= 16, "ingress", given.ingress.len(), "at most 16");
    for (index, ingress) in given.ingress.iter().enumerate() {
        violations.element("ingress", index, |violations| address(violations, "listen", &ingress.listen));
    }
    variables(violations, "env", &given.env);
    violations.duration("stop_grace", given.stop_grace.as_ref(), Duration::ZERO..=HOUR);
    violations.text("platform", &given.platform, 0..=63);
    violations.text("router", &given.router, 0..=63);
    if let Some(given) = &given.strategy {
        violations.within("strategy", |violations| strategy(violations, given));
    }
    if let Some(given) = &given.policy {
        violations.within("policy", |violations| policy(violations, given));
    }
    if let Some(given) = &given.health {
        violations.within("health", |violations| bellwether_policy::check(violations, given));
    }
}

/// A strategy, of a deployment or of a release.
pub(super) fn strategy(violations: &mut Violations, given: &executor::Strategy) {
    let kind = violations.enumeration::<Kind>("kind", given.kind);
    violations.check(
        kind != Some(Kind::Direct),
        "kind",
        "KIND_DIRECT",
        "any other kind; rollbacks alone go straight",
    );
    let steps = kind != Some(Kind::Custom) || !given.steps.is_empty();
    violations.check(steps, "steps", "nothing", "at least one step with KIND_CUSTOM");
    weights(violations, &given.weights_percent);
    for (field, given) in
        [("bake", &given.bake), ("final_bake", &given.final_bake), ("preview_bake", &given.preview_bake)]
    {
        if let Some(given) = given {
            violations.within(field, |violations| bake(violations, given));
        }
    }
    bakes(violations, given, kind);
}

fn bake(violations: &mut Violations, given: &executor::Bake) {
    let min = violations.duration("min", given.min.as_ref(), Duration::ZERO..=WEEK);
    let max = violations.duration("max", given.max.as_ref(), Duration::ZERO..=WEEK);
    if let (Some(min), Some(max)) = (min, max) {
        violations.check(min <= max, "max", format!("{max:?}"), format!("at least min, {min:?}"));
    }
}

/// Those of the shares, which must be known for it: what the planner chooses follows the risk.
fn bakes(violations: &mut Violations, given: &executor::Strategy, kind: Option<Kind>) {
    if given.bakes.is_empty() {
        return;
    }
    let weighted = kind.is_none_or(|kind| matches!(kind, Kind::Canary | Kind::BlueGreenCanary));
    violations.check(weighted, "bakes", "given", "nothing without kind CANARY or BLUE_GREEN_CANARY");
    let weights = &given.weights_percent;
    let appended = weights.last().is_some_and(|last| *last < 100.0);
    let most = weights.len() + usize::from(appended);
    let allowed = match most {
        0 => "nothing without weights_percent: each bake belongs to one of them".to_owned(),
        most => format!("at most one for each share up to 100 %: {most}"),
    };
    violations.check(given.bakes.len() <= most, "bakes", given.bakes.len(), allowed);
    for (index, given) in given.bakes.iter().enumerate() {
        violations.element("bakes", index, |violations| bake(violations, given));
    }
}

/// Rising, above 0, at most 100.
fn weights(violations: &mut Violations, given: &[f64]) {
    let mut before = 0.0;
    for (index, &weight) in given.iter().enumerate() {
        let rises = weight > before && weight <= 100.0;
        let allowed = format!("above {before} and at most 100: shares rise");
        violations.check(rises, &format!("weights_percent[{index}]"), weight, allowed);
        before = weight;
    }
}

fn policy(violations: &mut Violations, given: &executor::RolloutPolicy) {
    let actions = [
        ("on_fail", given.on_fail),
        ("on_deploy_failure", given.on_deploy_failure),
        ("on_no_data", given.on_no_data),
        ("on_undecided", given.on_undecided),
        ("on_monitor_lost", given.on_monitor_lost),
    ];
    for (field, action) in actions {
        violations.enumeration::<executor::FailureAction>(field, action);
    }
    violations.enumeration::<executor::RollbackMode>("rollback_mode", given.rollback_mode);
    violations.enumeration::<executor::Superseding>("superseding", given.superseding);
}

fn address(violations: &mut Violations, field: &str, given: &str) {
    let parsed = given.parse::<SocketAddr>().is_ok();
    violations.check(parsed, field, format!("{given:?}"), "<ip>:<port>, e.g. 127.0.0.1:8080");
}

/// Names of environment variables, at most 256.
pub(super) fn variables(violations: &mut Violations, field: &str, given: &HashMap<String, String>) {
    violations.check(given.len() <= 256, field, given.len(), "at most 256 variables");
    let mut given: Vec<_> = given.iter().collect();
    given.sort_unstable();
    for (name, value) in given {
        let right = !name.is_empty() && !name.contains(['=', '\0']);
        violations.check(right, field, format!("{name:?}"), "names without = and not empty");
        let whole = !value.contains('\0');
        violations.check(whole, field, format!("a NUL in {name:?}"), "values without NUL");
    }
}
