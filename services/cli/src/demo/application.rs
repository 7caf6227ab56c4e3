//! The application that the demonstration releases, and where.

use std::collections::HashMap;

use bellwether_proto::{
    Duration,
    executor::v1::{Check, RolloutPolicy, check::Kind as CheckKind},
    monitor::v1::{
        HealthPolicy, OtlpMetric, OtlpSource, Preset, PushSource, Source, source::Kind as SourceKind,
    },
    planner::v1::{Application, ApplicationType, Deployment, Environment},
};

use super::shop_otlp::ORDERS;

/// The application's name.
pub const APPLICATION: &str = "shop";
/// Its environment: production in all but the approval, which nobody is there to give.
pub const ENVIRONMENT: &str = "demo";
/// How many instances serve.
pub const INSTANCES: i32 = 4;

/// The environment.
pub(super) fn environment() -> Environment {
    Environment { name: ENVIRONMENT.to_owned(), ..Default::default() }
}

/// The application; `server` is where it exports its metrics to.
pub(super) fn application(listen: &str, server: &str) -> Application {
    let deployment = Deployment {
        instances: INSTANCES,
        command: ["{artifact}", "demo-shop"].map(str::to_owned).to_vec(),
        listen: listen.to_owned(),
        ready: Some(Check {
            kind: Some(CheckKind::HttpPath("/healthz".to_owned())),
            interval: millis(100),
            ..Default::default()
        }),
        policy: Some(RolloutPolicy {
            keep: millis(2_000),
            drain: millis(2_000),
            recovery_max: millis(5_000),
            ..Default::default()
        }),
        env: HashMap::from([("SHOP_OTLP_ENDPOINT".to_owned(), server.to_owned())]),
        health: Some(health()),
        ..Default::default()
    };
    Application {
        name: APPLICATION.to_owned(),
        r#type: ApplicationType::Custom.into(),
        environments: HashMap::from([(ENVIRONMENT.to_owned(), deployment)]),
        ..Default::default()
    }
}

/// Requests are told by the gateway, orders by the shop itself.
fn health() -> HealthPolicy {
    let source = |id: &str, kind| Source { id: id.to_owned(), kind: Some(kind), ..Default::default() };
    let orders = OtlpMetric { id: "orders".to_owned(), name: ORDERS.to_owned() };
    HealthPolicy {
        warm_up: millis(1_000),
        preset: Preset::Business.into(),
        sources: vec![
            source("gateway", SourceKind::Push(PushSource::default())),
            source("shop", SourceKind::Otlp(OtlpSource { metrics: vec![orders] })),
        ],
        ..Default::default()
    }
}

/// A span in milliseconds.
pub(super) fn millis(millis: i64) -> Option<Duration> {
    Some(Duration { seconds: millis / 1000, nanos: i32::try_from(millis % 1000 * 1_000_000).unwrap_or(0) })
}
