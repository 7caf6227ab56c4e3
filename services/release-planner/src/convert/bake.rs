//! Bakes of a plan.

use std::time::Duration;

use bellwether_plan::{BakeBasis, Forecast, PlannedBake, TrafficBasis};
use bellwether_proto::planner::v1::{self as pb, planned_bake as kinds};
use bellwether_resource::time;

/// For the contract.
pub(super) fn bake(bake: &PlannedBake) -> pb::PlannedBake {
    let basis = match bake.basis {
        BakeBasis::RiskBand => kinds::Basis::RiskBand,
        BakeBasis::Analysis => kinds::Basis::Analysis,
        BakeBasis::AskedFor => kinds::Basis::AskedFor,
    };
    let traffic_basis = match bake.traffic.map(|traffic| traffic.basis) {
        None => kinds::TrafficBasis::Unspecified,
        Some(TrafficBasis::Measured) => kinds::TrafficBasis::Measured,
        Some(TrafficBasis::Declared) => kinds::TrafficBasis::Declared,
    };
    let of = |span: fn(&Forecast) -> Option<Duration>| {
        bake.forecast.as_ref().and_then(span).map(time::to_duration)
    };
    let question = bake.question.as_ref();
    pb::PlannedBake {
        share_percent: bake.share_percent,
        min: Some(time::to_duration(bake.min)),
        max: Some(time::to_duration(bake.max)),
        basis: basis.into(),
        text: bake.text.clone(),
        traffic_basis: traffic_basis.into(),
        requests_per_second: bake.traffic.map_or(0.0, |traffic| traffic.requests_per_second),
        baseline_percent: question.map_or(0.0, |question| question.baseline_percent),
        effect_percent: question.map_or(0.0, |question| question.effect_percent),
        fail_p50: of(|forecast| forecast.fail_p50),
        fail_p95: of(|forecast| forecast.fail_p95),
        pass_p50: of(|forecast| forecast.pass_p50),
        pass_p95: of(|forecast| forecast.pass_p95),
        notes: bake.forecast.as_ref().map(|forecast| forecast.notes.clone()).unwrap_or_default(),
    }
}
