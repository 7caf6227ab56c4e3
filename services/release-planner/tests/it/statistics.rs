//! How long bakes are, and what that comes from.

use bellwether_proto::{monitor::v1::HealthPolicy, planner::v1 as pb};
use pb::{
    planned_bake::{Basis, TrafficBasis},
    release::State,
};

use super::{
    files::{millis, shop, submission},
    house::House,
};

/// The shop with bakes of the planner's choice, where this traffic is expected.
fn expecting(requests_per_second: f64) -> pb::Application {
    let mut application = shop(&[("development", 4)]);
    let defaults = application.defaults.as_mut().unwrap();
    defaults.strategy = None;
    let warm_up = Some(millis(0));
    defaults.health = Some(HealthPolicy { requests_per_second, warm_up, ..Default::default() });
    application
}

/// A house where 1 serves, and the bakes that a plan for 2 has.
async fn bakes(mut house: House, requests_per_second: f64) -> (House, Vec<pb::PlannedBake>) {
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 4)])).await;
    let first = house.submit("1").await;
    house.in_state(&first.name, State::Completed).await;
    house.apply(expecting(requests_per_second)).await;
    let request = pb::SubmitReleaseRequest { validate_only: true, ..submission("2") };
    let plan = house.client.submit_release(request).await.unwrap().into_inner().plan.unwrap();
    let bakes = plan.environments[0].bakes.clone();
    (house, bakes)
}

#[tokio::test]
async fn where_traffic_is_expected_the_health_monitor_says_how_long() {
    let mut house = House::passing().await;
    house.with_statistics().await;
    let (mut house, bakes) = bakes(house, 50_000.0).await;
    assert_eq!(bakes.last().unwrap().share_percent, 100.0);
    for bake in &bakes {
        assert_eq!(
            (bake.basis(), bake.traffic_basis()),
            (Basis::Analysis, TrafficBasis::Declared),
            "{bake:?}"
        );
        let (min, seen) = (bake.min.as_ref().unwrap(), bake.fail_p95.as_ref().unwrap());
        assert!(min.seconds >= seen.seconds && min.seconds <= seen.seconds + 1, "{bake:?}");
        assert!(bake.pass_p95.is_some() && bake.effect_percent > bake.baseline_percent, "{bake:?}");
    }
    let seen =
        |bake: &pb::PlannedBake| bellwether_resource::time::span(bake.fail_p95.as_ref().unwrap()).unwrap();
    assert!(seen(&bakes[0]) >= seen(&bakes[1]), "a smaller share needs longer");

    // and that is what is carried out
    let release = house.submit("2").await;
    let done = house.in_state(&release.name, State::Completed).await;
    let name = super::wait::stage(&done, "development").rollout.clone();
    let request = bellwether_proto::executor::v1::GetRolloutRequest { name };
    let rollout = house.executor.get_rollout(request).await.unwrap().into_inner().rollout.unwrap();
    let strategy = rollout.strategy.unwrap();
    let carried_out: Vec<_> =
        strategy.bakes.iter().chain(&strategy.final_bake).map(|bake| bake.min).collect();
    assert_eq!(carried_out, bakes.iter().map(|bake| bake.min).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_the_health_monitor_the_risk_band_decides_and_the_plan_says_so() {
    let mut house = House::passing().await;
    house.without_statistics().await;
    let (_house, bakes) = bakes(house, 50_000.0).await;
    for bake in &bakes {
        assert_eq!((bake.basis(), bake.traffic_basis()), (Basis::RiskBand, TrafficBasis::Declared));
        assert!(bake.text.starts_with("the health-monitor does not answer"), "{}", bake.text);
        assert!(bake.fail_p50.is_none() && bake.min.as_ref().unwrap().seconds >= 30);
    }
}

#[tokio::test]
async fn too_little_traffic_is_a_warning() {
    let mut house = House::passing().await;
    house.with_statistics().await;
    let (mut house, bakes) = bakes(house, 0.01).await;
    assert!(bakes.iter().all(|bake| bake.basis() == Basis::RiskBand), "{bakes:?}");
    let request = pb::SubmitReleaseRequest { validate_only: true, ..submission("2") };
    let plan = house.client.submit_release(request).await.unwrap().into_inner().plan.unwrap();
    let warning = plan.warnings.iter().find(|warning| warning.code == "LOW_TRAFFIC").unwrap();
    assert!(warning.text.contains("too little traffic"), "{}", warning.text);
}

#[tokio::test]
async fn a_change_of_the_traffic_plans_anew_what_has_not_started() {
    let mut house = House::passing().await;
    house.with_statistics().await;
    let mut gated = super::files::environment("development", None, 0);
    gated.approvals = vec![pb::ApprovalRule { id: "four-eyes".into(), ..Default::default() }];
    house.apply_environment(gated).await;
    house.apply(expecting(0.0)).await;
    let release = house.submit("1").await;
    house.because(&release.name, "development", "APPROVAL").await;
    house.apply(expecting(50_000.0)).await;
    house.until(&release.name, |now| now.plan_digest != release.plan_digest).await;
    let request = pb::GetReleaseRequest { name: release.name };
    let plan = house.client.get_release(request).await.unwrap().into_inner().plan.unwrap();
    assert!(plan.environments[0].bakes.iter().all(|bake| bake.basis() == Basis::Analysis), "{plan:#?}");
}
