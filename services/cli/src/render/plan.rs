//! A plan as somebody reads it who is about to approve it.

use bellwether_proto::{
    executor::v1::strategy::Kind,
    planner::v1::{EnvironmentPlan, Milestone, Plan, PlannedBake, planned_bake::TrafficBasis, risk::Band},
};

use super::style::{self, Tone, paint};

/// The view of a plan, a string a line.
pub fn view(plan: &Plan) -> Vec<String> {
    let mut lines = vec![
        format!("{} {}", paint(&plan.application, Tone::Strong), plan.version),
        format!("plan       {}", plan.digest),
    ];
    for warning in &plan.warnings {
        lines.push(paint(
            &format!("warning    {} {}: {}", warning.environment, warning.code, warning.text),
            Tone::Warn,
        ));
    }
    for environment in &plan.environments {
        lines.push(String::new());
        lines.extend(self::environment(environment));
    }
    lines
}

fn environment(plan: &EnvironmentPlan) -> Vec<String> {
    let mut lines = vec![paint(&plan.environment, Tone::Strong)];
    if let Some(choice) = &plan.strategy_choice {
        lines.push(format!("  strategy {}: {}", kind(choice.chosen()), choice.reason));
        for other in choice.considered.iter().filter(|c| !c.chosen) {
            lines.push(paint(
                &format!("           not {}: {}", kind(other.kind()), other.reason),
                Tone::Faint,
            ));
        }
    }
    if let Some(risk) = &plan.risk {
        let band = style::state(risk.band().as_str_name(), "BAND_");
        let tone = if matches!(risk.band(), Band::High | Band::Critical) { Tone::Warn } else { Tone::Good };
        lines.push(format!("  risk     {} ({} of 100)", paint(&band, tone), risk.score));
        for part in &risk.contributions {
            let how =
                if part.mitigation.is_empty() { String::new() } else { format!(" → {}", part.mitigation) };
            lines.push(format!("           {:>+3} {}: {}{how}", part.points, part.factor, part.value));
        }
    }
    for rule in &plan.approvals {
        let who = [rule.roles.join(" or "), rule.principals.join(" or ")].join(" ");
        lines.push(format!("  approval {}: {} {}", rule.id, rule.count, who.trim()));
    }
    lines.extend(plan.bakes.iter().flat_map(bake));
    lines.extend(plan.timeline.iter().map(|milestone| format!("  {}", self::milestone(milestone))));
    if let Some(rollback) = &plan.rollback {
        let worst =
            rollback.worst_case.as_ref().map_or_else(|| "-".to_owned(), |d| style::duration(style::span(d)));
        lines.push(match rollback.target_version.as_str() {
            "" => "  back     nothing serves here yet; a bad version is stopped, and nobody is served"
                .to_owned(),
            version => format!("  back     to {version} within {worst}: {}", rollback.command),
        });
        lines.extend(
            rollback
                .irreversible
                .iter()
                .map(|text| paint(&format!("           cannot be undone: {text}"), Tone::Warn)),
        );
    }
    lines
}

/// How long it bakes, and what that comes from.
fn bake(bake: &PlannedBake) -> Vec<String> {
    let at = |d: &Option<bellwether_proto::Duration>| {
        d.as_ref().map_or_else(|| "-".to_owned(), |d| style::duration(style::span(d)))
    };
    let share =
        if bake.share_percent > 0.0 { style::percent(bake.share_percent) } else { "no users".to_owned() };
    let lengths = format!("{} to {}", at(&bake.min), at(&bake.max));
    let mut lines = vec![format!("  bakes    {share:<8} {lengths}: {}", bake.text)];
    if bake.traffic_basis() != TrafficBasis::Unspecified && bake.effect_percent > 0.0 {
        let known = style::state(bake.traffic_basis().as_str_name(), "TRAFFIC_BASIS_").to_lowercase();
        lines.push(paint(
            &format!(
                "                    {} requests/s {known}, {:.1} of them here; {} % → {} % fails in {} (95 %: {}), good passes in {} (95 %: {})",
                bake.requests_per_second,
                bake.requests_per_second * bake.share_percent / 100.0,
                bake.baseline_percent,
                bake.effect_percent,
                at(&bake.fail_p50),
                at(&bake.fail_p95),
                at(&bake.pass_p50),
                at(&bake.pass_p95),
            ),
            Tone::Faint,
        ));
    }
    lines.extend(bake.notes.iter().map(|note| paint(&format!("                    {note}"), Tone::Faint)));
    lines
}

fn milestone(milestone: &Milestone) -> String {
    let at = |d: &Option<bellwether_proto::Duration>| {
        d.as_ref().map_or_else(|| "-".to_owned(), |d| style::duration(style::span(d)))
    };
    format!(
        "{:<8} {:<36} +{} (95 %: +{})",
        milestone.kind.to_lowercase(),
        milestone.name,
        at(&milestone.p50),
        at(&milestone.p95)
    )
}

fn kind(kind: Kind) -> String {
    style::state(kind.as_str_name(), "KIND_").to_lowercase().replace('_', "-")
}
