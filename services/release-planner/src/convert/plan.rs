//! Plans.

use bellwether_plan::{
    Band, Considered, Contribution, EnvironmentPlan, Message, Milestone, Phase, Plan, PlanDigest, Promotion,
    Risk, RollbackMode, RollbackPlan, StepKind, StrategyChoice, Upstreams, Warning,
};
use bellwether_proto::{
    executor::v1 as executor,
    planner::v1::{
        self as pb,
        environment::{PromotionMode, UpstreamMode},
    },
};
use bellwether_resource::time;
use serde::Serialize;

use super::{PinnedSpec, bake::bake, environment::rule_message, kind_of};

/// For the contract.
///
/// # Errors
/// What the plan pins is not in the form of this build's contract.
pub(crate) fn plan_message(
    plan: &Plan,
    digest: &PlanDigest,
    parent: Option<&PlanDigest>,
) -> serde_json::Result<pb::Plan> {
    Ok(pb::Plan {
        digest: digest.to_string(),
        parent_digest: parent.map(ToString::to_string).unwrap_or_default(),
        application: format!("applications/{}", plan.application),
        application_generation: i64::try_from(plan.application_generation).unwrap_or(i64::MAX),
        version: plan.version.clone(),
        identity: plan.identity.clone(),
        environments: plan.environments.iter().map(part).collect::<serde_json::Result<_>>()?,
        warnings: plan.warnings.iter().map(warning).collect(),
    })
}

fn part(part: &EnvironmentPlan) -> serde_json::Result<pb::EnvironmentPlan> {
    let pinned = PinnedSpec::read(&part.spec)?;
    let upstream_mode = match part.upstream_mode {
        Upstreams::All => UpstreamMode::All,
        Upstreams::Any => UpstreamMode::Any,
    };
    let promotion = match part.promotion {
        Promotion::Auto => PromotionMode::Auto,
        Promotion::Manual => PromotionMode::Manual,
    };
    Ok(pb::EnvironmentPlan {
        environment: part.environment.to_string(),
        environment_generation: i64::try_from(part.environment_generation).unwrap_or(i64::MAX),
        upstreams: part.upstreams.iter().map(ToString::to_string).collect(),
        upstream_mode: upstream_mode.into(),
        promotion: promotion.into(),
        soak: Some(time::to_duration(part.soak)),
        strategy_choice: Some(choice(&part.choice)),
        risk: Some(risk(&part.risk)),
        approvals: part.approvals.iter().map(rule_message).collect(),
        rollback: Some(rollback(&part.rollback)),
        timeline: part.timeline.iter().map(milestone).collect(),
        communication: part.communication.iter().map(communication).collect(),
        strategy: Some(pinned.planned_strategy(part)),
        spec: Some(pinned.spec),
        policy: Some(pinned.policy),
        health: Some(pinned.health),
        target: Some(pinned.target),
        bakes: part.bakes.iter().map(bake).collect(),
        needs: part.needs.iter().map(|need| name(need).to_lowercase()).collect(),
    })
}

fn choice(choice: &StrategyChoice) -> pb::StrategyChoice {
    pb::StrategyChoice {
        chosen: kind_of(choice.chosen).into(),
        reason: choice.reason.clone(),
        worst_rollback: Some(time::to_duration(choice.worst_rollback)),
        considered: choice.considered.iter().map(considered).collect(),
    }
}

fn considered(considered: &Considered) -> pb::Considered {
    pb::Considered {
        kind: kind_of(considered.kind).into(),
        chosen: considered.chosen,
        reason: considered.reason.clone(),
        missing_capabilities: considered.missing.iter().map(ToString::to_string).collect(),
    }
}

fn risk(risk: &Risk) -> pb::Risk {
    let band = match risk.band {
        Band::Low => pb::risk::Band::Low,
        Band::Medium => pb::risk::Band::Medium,
        Band::High => pb::risk::Band::High,
        Band::Critical => pb::risk::Band::Critical,
    };
    pb::Risk {
        score: i32::try_from(risk.score).unwrap_or(100),
        band: band.into(),
        contributions: risk.contributions.iter().map(contribution).collect(),
    }
}

fn contribution(contribution: &Contribution) -> pb::RiskContribution {
    pb::RiskContribution {
        factor: name(&contribution.factor),
        value: contribution.value.clone(),
        points: i32::try_from(contribution.points).unwrap_or(100),
        mitigation: contribution.mitigation.clone(),
    }
}

fn rollback(plan: &RollbackPlan) -> pb::RollbackPlan {
    let mode = match plan.mode {
        RollbackMode::Instant => executor::RollbackMode::Instant,
        RollbackMode::Ramped => executor::RollbackMode::Ramped,
        RollbackMode::Stay => executor::RollbackMode::Stay,
    };
    pb::RollbackPlan {
        target_version: plan.target_version.clone().unwrap_or_default(),
        mode: mode.into(),
        steps: plan.steps.iter().map(milestone).collect(),
        worst_case: Some(time::to_duration(plan.worst_case)),
        irreversible: plan.irreversible.clone(),
        disaster_recovery: plan.disaster_recovery.clone(),
        command: plan.command.clone(),
    }
}

fn milestone(milestone: &Milestone) -> pb::Milestone {
    let basis = match (milestone.samples, milestone.analysed) {
        (0, false) => "default".to_owned(),
        (0, true) => "analysis".to_owned(),
        (n, _) => format!("recorded ({n})"),
    };
    pb::Milestone {
        name: milestone.name.clone(),
        kind: name::<StepKind>(&milestone.kind),
        p50: Some(time::to_duration(milestone.p50)),
        p95: Some(time::to_duration(milestone.p95)),
        basis,
    }
}

fn communication(message: &Message) -> pb::Communication {
    use bellwether_plan::Audience as A;
    let audience = match message.audience {
        A::Development => pb::Audience::Development,
        A::Operations => pb::Audience::Operations,
        A::Support => pb::Audience::Support,
        A::Product => pb::Audience::Product,
        A::Executive => pb::Audience::Executive,
    };
    pb::Communication {
        audience: audience.into(),
        phase: name::<Phase>(&message.phase),
        occasion: message.occasion.clone(),
        addresses: message.addresses.clone(),
        content: message.content.clone(),
    }
}

fn warning(warning: &Warning) -> pb::Warning {
    pb::Warning {
        code: warning.code.clone(),
        environment: warning.environment.to_string(),
        text: warning.text.clone(),
    }
}

/// The name of a variant as the journal writes it, UPPER_SNAKE.
fn name<T: Serialize>(variant: &T) -> String {
    match serde_json::to_value(variant) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}
