//! Plans for tests.

use std::time::Duration;

use bellwether_rollout::{
    Artifact, Bake, BlueGreen, Call, Canary, CanaryStep, FleetId, FleetSpec, Hook, ItemKind, Percent,
    Policies, Problem, Recovery, Recreate, Rolling, Size, StartRequest, Step, Strategy,
};

use crate::sim::rollout_id;

pub fn bake() -> Bake {
    Bake { min: Duration::from_secs(5), max: Duration::from_secs(120), checks: true }
}

pub fn spec(version: u128) -> FleetSpec {
    let artifact = Artifact {
        name: "shop".into(),
        version: version.to_string(),
        digest: format!("sha256:{version:064x}"),
        ..Artifact::default()
    };
    FleetSpec { artifact, command: "shop".into(), ..FleetSpec::default() }
}

/// A problem of a fleet that lasts or one that may go away, or none.
pub fn problems(fleet: FleetId, pick: u8) -> Vec<Problem> {
    let problem = |code: &str| Problem {
        code: code.into(),
        fleet: Some(fleet),
        instance: None,
        message: "the program cannot be started: no such file".into(),
        since: None,
        remedy: "Correct the command.".into(),
    };
    match pick % 3 {
        0 => vec![problem("START_FAILED")],
        1 => vec![problem("NO_PORT")],
        _ => vec![],
    }
}

/// Rollout `number` of version `number`.
pub fn plan(number: u128, strategy: Strategy) -> StartRequest {
    StartRequest {
        rollout: rollout_id(number),
        release: format!("releases/{number}"),
        team: "shop".into(),
        labels: Default::default(),
        fleet: spec(number),
        strategy,
        policies: policies(),
        permit_until: None,
        plan_digest: String::new(),
        irreversible: false,
        configuration_diff: String::new(),
    }
}

pub fn policies() -> Policies {
    // most tests are not about recovery: stable is well as soon as it is ready
    let recovery = Recovery { items: vec![ItemKind::Health], ..Recovery::default() };
    Policies {
        keep: Duration::from_secs(600),
        drain: Duration::from_secs(30),
        recovery,
        ..Policies::default()
    }
}

pub fn hook(name: &str) -> Hook {
    let call = Call::Http { url: format!("http://127.0.0.1/{name}") };
    Hook { name: name.into(), call, timeout: Duration::from_secs(30), on_undo: None, on_unknown: None }
}

pub fn direct(number: u128) -> StartRequest {
    plan(number, Strategy::Direct)
}

pub fn weight(percent: u32) -> CanaryStep {
    CanaryStep { percent: Percent::new(percent), scale: None, matches: vec![], mirror: None, bake: None }
}

pub fn canary(number: u128, weights: &[u32]) -> StartRequest {
    let steps = weights.iter().map(|it| weight(*it)).collect();
    plan(number, Strategy::Canary(Canary { steps, bake: bake(), validate: bake() }))
}

pub fn blue_green(number: u128) -> StartRequest {
    plan(number, Strategy::BlueGreen(green(None, &[])))
}

pub fn green(preview: Option<Size>, ramp: &[u32]) -> BlueGreen {
    BlueGreen {
        preview_size: preview,
        preview: preview.map(|_| bake()),
        ramp: ramp.iter().map(|it| weight(*it)).collect(),
        bake: bake(),
        validate: bake(),
    }
}

pub fn rolling(number: u128, batch: Size, max_surge: u32, max_unavailable: u32) -> StartRequest {
    let rolling = Rolling {
        batch,
        max_surge: Size::Count(max_surge),
        max_unavailable: Size::Count(max_unavailable),
        bake: None,
        validate: bake(),
    };
    plan(number, Strategy::Rolling(rolling))
}

pub fn recreate(number: u128) -> StartRequest {
    plan(number, Strategy::Recreate(Recreate { validate: bake() }))
}

pub fn steps(number: u128, steps: Vec<Step>) -> StartRequest {
    plan(number, Strategy::Steps(steps))
}
