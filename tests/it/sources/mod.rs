//! Analyses whose numbers come from elsewhere than the gateway, with the real parts.

mod otlp;
mod prometheus;

use std::{collections::HashMap, net::SocketAddr};

use bellwether::load::Load;
use bellwether_proto::{
    executor::v1::{Rollout, rollout::State},
    monitor::v1::{Analysis, GetAnalysisRequest, HealthPolicy, Source, source::Kind},
    planner::v1::{Deployment, Environment},
};
use bellwether_tests::{
    shop::{self, ENVIRONMENT, Release},
    stack::Stack,
    wait::until,
};

const RPS: u32 = 200;

/// The shop, judged by this source alone.
fn judged_by(source: Kind, front: SocketAddr) -> Deployment {
    let source = Source { id: "main".to_owned(), kind: Some(source), ..Default::default() };
    let health = HealthPolicy { warm_up: shop::millis(500), sources: vec![source], ..Default::default() };
    Deployment { health: Some(health), ..shop::deployment(2, &front.to_string()) }
}

/// Brings the first version in, and puts a load on it.
async fn serving(stack: &Stack, deployment: Deployment, front: SocketAddr) -> Load {
    let environment = Environment { name: ENVIRONMENT.to_owned(), ..Default::default() };
    shop::apply_environment(stack, environment).await.unwrap();
    shop::apply_to(stack, "shop", HashMap::from([(ENVIRONMENT.to_owned(), deployment)])).await.unwrap();
    let first = shop::submit(stack, "shop", &Release::unjudged("1")).await.unwrap();
    let first = shop::ended(stack, &first).await.unwrap();
    assert_eq!(first.state(), State::Succeeded, "{first:#?}");
    let load = shop::load(stack, front, RPS);
    until("the load is answered", || async { (load.tally().good > 20).then_some(()) }).await.unwrap();
    load
}

/// The analysis of a rollout.
async fn analysis(stack: &Stack, rollout: &Rollout) -> Option<Analysis> {
    let name = rollout.name.replace("rollouts/", "analyses/");
    let answer = stack.monitor().get_analysis(GetAnalysisRequest { name }).await.ok()?;
    answer.into_inner().analysis
}
