//! How a release is taken back, and what to do when that is not enough.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{ApplicationId, Bundle, EnvironmentId, History, Milestone, Recipe, StrategyKind, timeline};

/// How traffic comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RollbackMode {
    /// At once: the old fleet is complete.
    Instant,
    /// As the old version's instances become ready.
    Ramped,
    /// Not by itself: something cannot be undone, and a person decides.
    Stay,
}

/// The way back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollbackPlan {
    /// The version that served when the plan was made; `None`: there is nothing to go back to.
    pub target_version: Option<String>,
    /// How traffic comes back.
    pub mode: RollbackMode,
    /// What is done, with offsets from the decision.
    pub steps: Vec<Milestone>,
    /// The longest that it may last.
    pub worst_case: Duration,
    /// What cannot be undone.
    pub irreversible: Vec<String>,
    /// What to do when going back is not enough, in order.
    pub disaster_recovery: Vec<String>,
    /// The command that starts it.
    pub command: String,
}

/// The way back from `bundle`.
pub(crate) fn rollback(
    application: &ApplicationId,
    environment: &EnvironmentId,
    bundle: &Bundle,
    recipe: &Recipe,
    history: &History,
) -> RollbackPlan {
    let irreversible: Vec<_> = bundle.irreversible().map(describe).collect();
    let target = format!("{application}@{environment}");
    RollbackPlan {
        target_version: history.serving.clone(),
        mode: mode(recipe.kind, irreversible.is_empty()),
        steps: timeline::way_back(recipe.kind, &history.step_times),
        worst_case: recipe.kind.worst_rollback(),
        disaster_recovery: disaster_recovery(&target, history.serving.as_deref(), &irreversible),
        irreversible,
        command: format!("bellwether rollback {target}"),
    }
}

fn mode(kind: StrategyKind, reversible: bool) -> RollbackMode {
    match (reversible, kind) {
        (false, _) => RollbackMode::Stay,
        (true, StrategyKind::Canary | StrategyKind::BlueGreen | StrategyKind::BlueGreenCanary) => {
            RollbackMode::Instant
        }
        (true, StrategyKind::Rolling | StrategyKind::Recreate | StrategyKind::Custom) => RollbackMode::Ramped,
    }
}

fn describe(migration: &crate::Migration) -> String {
    if migration.description.is_empty() {
        return format!("migration {}", migration.id);
    }
    format!("migration {}: {}", migration.id, migration.description)
}

fn disaster_recovery(target: &str, serving: Option<&str>, irreversible: &[String]) -> Vec<String> {
    let mut steps = vec![format!("Stop what moves: bellwether pause {target} -m <why>")];
    match serving {
        Some(version) => steps.push(format!(
            "Put users on {version} past every service: bellwether emergency route {target} --stable 100"
        )),
        None => {
            steps.push("There is no earlier version: abort the rollout, the gateway answers 503".to_owned())
        }
    }
    if !irreversible.is_empty() {
        steps.push(
            "Stop writes to the data that the migrations changed, before anything is restored".to_owned(),
        );
        steps.push(
            "Restore that data from the last backup before the release, or correct it forward".to_owned(),
        );
        steps.extend(irreversible.iter().map(|part| format!("Cannot be undone: {part}")));
    }
    steps.push(format!("See that it is well: bellwether status {target}"));
    steps.push(format!("Give the target back: bellwether resolve {target} hand-back -m <why>"));
    steps
}
