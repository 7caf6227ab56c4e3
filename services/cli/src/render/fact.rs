//! What happened, in a line: for pipes and logs, where nothing is repainted.

use bellwether_proto::{
    executor::v1::{Rollout, StepStatus, step_status::State},
    planner::v1::{Release, condition},
};

use super::{checks, rollout, style};

/// A fact of a rollout; `None` for what only moves the view (observations, sizes, routes read back).
pub fn of_rollout(fact: &str, of: &Rollout) -> Option<String> {
    let detail = match fact {
        "ROLLOUT_STEP_STARTED" => step(of, State::Active),
        "ROLLOUT_STEP_ENDED" => step(of, State::Done),
        "ROLLOUT_JUDGED" => of.verdict.as_ref().map(checks::headline),
        fact if fact.starts_with("ROLLOUT_") => {
            Some(of.reason.as_ref().map(rollout::brief).unwrap_or_default())
        }
        _ => None,
    }?;
    Some(line(&of.display_name, fact, &detail))
}

/// A fact of a release; where it waits for somebody, with what they can do. `None` for what only the planner keeps.
pub fn of_release(fact: &str, of: &Release) -> Option<String> {
    if ["RELEASE_STEERING_CHANGED", "RELEASE_TARGET_CLOSED", "RELEASE_STEPS_RECORDED"].contains(&fact) {
        return None;
    }
    let mut text = line(&of.display_name, fact, &of.reason.as_ref().map(rollout::brief).unwrap_or_default());
    let conditions = of.environments.iter().flat_map(|environment| &environment.conditions);
    for condition in conditions.filter(|c| c.state() == condition::State::Unmet && !c.remedy.is_empty()) {
        text.push_str(&format!("\n  → {}", condition.remedy));
    }
    Some(text)
}

fn line(name: &str, fact: &str, detail: &str) -> String {
    format!("{name}  {:<26} {detail}", style::state(fact, "ROLLOUT_").to_lowercase().replace('_', " "))
}

/// The newest step in this state.
fn step(of: &Rollout, state: State) -> Option<String> {
    of.steps.iter().rev().find(|s: &&StepStatus| s.state() == state).map(|s| s.name.clone())
}
