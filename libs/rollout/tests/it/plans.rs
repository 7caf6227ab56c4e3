//! Plans for tests.

use std::time::Duration;

use bellwether_rollout::{
    Artifact, Bake, BlueGreen, Canary, CanaryStep, FleetSpec, Percent, Policies, Recreate, Rolling, Size,
    StartRequest, Step, Strategy,
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
    Policies { keep: Duration::from_secs(600), drain: Duration::from_secs(30), ..Policies::default() }
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
