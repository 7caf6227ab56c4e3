//! Whole plans against their files.

use std::time::Duration;

use bellwether_plan::{ApplicationType, Commit, Migration, Quantiles, StepKind};

use crate::fixtures::{NOW, World};

fn check(name: &str, world: &World) {
    let plan = world.plan().unwrap();
    let text = format!("{}\n{}", plan.digest(), serde_json::to_string_pretty(&plan).unwrap());
    insta::assert_snapshot!(name, text);
}

#[test]
fn first_deployment_of_a_shop() {
    check("first_deployment_of_a_shop", &World::new(ApplicationType::ECommerce));
}

#[test]
fn banking_with_an_irreversible_migration() {
    let mut world = World::new(ApplicationType::BankingApi).serving();
    world.bundle.migrations.push(Migration {
        id: "0042-drop-ledger-v1".into(),
        reversible: false,
        description: "drops a table; comes back only from the backup".into(),
    });
    world.bundle.commits =
        (0..30).map(|n| Commit { id: format!("{n:x}"), author: "bob".into(), time: Some(NOW) }).collect();
    check("banking_with_an_irreversible_migration", &world);
}

#[test]
fn internal_tool_with_recorded_times() {
    let mut world = World::new(ApplicationType::InternalTool).serving();
    let recorded = Quantiles { p50: Duration::from_millis(700), p95: Duration::from_secs(2), samples: 12 };
    for history in world.history.values_mut() {
        history.step_times.0.insert(StepKind::Replace, recorded);
    }
    check("internal_tool_with_recorded_times", &world);
}
