//! Choosing: the table, then what the platform can do, then the rollback SLO.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{StrategyKind, recipe, table::row};
use crate::{Application, Band, Capability, Deployment, capability::needs, expansion};

/// Which strategy, why, and why not the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StrategyChoice {
    /// The one that is used.
    pub chosen: StrategyKind,
    /// Why.
    pub reason: String,
    /// The longest that taking it back may last.
    pub worst_rollback: Duration,
    /// All that were looked at.
    pub considered: Vec<Considered>,
    /// What breaks the rollback SLO: the chosen strategy, or the table's where another was taken for that reason.
    pub slo_broken_by: Option<StrategyKind>,
}

/// A strategy that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Considered {
    /// Which.
    pub kind: StrategyKind,
    /// Whether it was taken.
    pub chosen: bool,
    /// Why, or why not.
    pub reason: String,
    /// What the platform lacks for it.
    pub missing: Vec<Capability>,
}

/// No strategy can be used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    /// Why each was refused.
    pub(crate) considered: Vec<Considered>,
}

/// Why one strategy cannot be used, or can.
struct Look {
    kind: StrategyKind,
    missing: Vec<Capability>,
    downtime: bool,
    too_slow: bool,
}

/// Chooses for `application` where it is deployed like this. The user's own choice is refused only where it cannot work.
/// `first`: nothing serves there yet.
pub(crate) fn select(
    application: &Application,
    deployment: &Deployment,
    first: bool,
) -> Result<StrategyChoice, Refused> {
    let wanted = deployment.tuning.strategy;
    let look = |kind| Look::at(kind, application, deployment, first);
    let table = row(application.kind).preference;
    let chosen = match wanted {
        Some(kind) => Some(kind).filter(|&kind| look(kind).possible()),
        None => {
            let mut possible = table.iter().copied().filter(|&kind| look(kind).possible());
            let best = possible.clone().next();
            // where every one is too slow, the table's is used and flagged
            possible.find(|&kind| !look(kind).too_slow).or(best)
        }
    };
    let considered = considered(application, deployment, first, chosen);
    let Some(chosen) = chosen else { return Err(Refused { considered }) };
    let first = wanted.or(table.iter().copied().find(|&kind| look(kind).possible())).unwrap_or(chosen);
    Ok(StrategyChoice {
        chosen,
        reason: reason(application, wanted, chosen),
        worst_rollback: chosen.worst_rollback(),
        considered,
        slo_broken_by: look(first).too_slow.then_some(first),
    })
}

fn reason(application: &Application, wanted: Option<StrategyKind>, chosen: StrategyKind) -> String {
    let row = row(application.kind);
    if wanted.is_some() {
        return "asked for by the application or the release".to_owned();
    }
    let kind = application.kind.as_str();
    if row.preference.first() == Some(&chosen) {
        let downtime = crate::timeline::human(application.downtime_tolerance());
        return format!("the table's choice for {kind} (downtime tolerance {downtime})");
    }
    format!("the best for {kind} that the platform can do within the rollback SLO")
}

fn considered(
    application: &Application,
    deployment: &Deployment,
    first: bool,
    chosen: Option<StrategyKind>,
) -> Vec<Considered> {
    let wanted = deployment.tuning.strategy;
    let extra = wanted.filter(|kind| !StrategyKind::RECIPES.contains(kind));
    StrategyKind::RECIPES
        .into_iter()
        .chain(extra)
        .map(|kind| {
            let look = Look::at(kind, application, deployment, first);
            let chosen = chosen == Some(kind);
            Considered {
                kind,
                chosen,
                reason: look.describe(application, wanted, chosen),
                missing: look.missing,
            }
        })
        .collect()
}

// === impl Look ===

impl Look {
    fn at(kind: StrategyKind, application: &Application, deployment: &Deployment, first: bool) -> Self {
        let (tuning, n) = (&deployment.tuning, deployment.instances);
        // which shares it has depends on the band; that it has some, or how long it bakes, does not
        let steps = expansion::steps(&recipe(kind, Band::Low, tuning), &tuning.shape, n, first);
        Self {
            kind,
            missing: deployment.capabilities.missing(&needs(&steps, &tuning.shape, n, first)),
            downtime: kind.has_downtime() && application.downtime_tolerance().is_zero(),
            too_slow: application.rollback_slo.is_some_and(|slo| kind.worst_rollback() > slo),
        }
    }

    fn possible(&self) -> bool {
        self.missing.is_empty() && !self.downtime
    }

    fn describe(&self, application: &Application, wanted: Option<StrategyKind>, chosen: bool) -> String {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            let names: Vec<_> = self.missing.iter().map(|c| c.as_str()).collect();
            parts.push(format!("the platform cannot do it: no {}", names.join(", no ")));
        }
        if self.downtime {
            parts.push("it has downtime and the application bears none".to_owned());
        }
        if let Some(slo) = application.rollback_slo.filter(|_| self.too_slow) {
            let (worst, slo) = (self.kind.worst_rollback(), slo);
            let (worst, slo) = (crate::timeline::human(worst), crate::timeline::human(slo));
            parts.push(format!("taking it back may last {worst}, the rollback SLO is {slo}"));
        }
        if parts.is_empty() || chosen {
            parts.insert(0, self.preference(application, wanted, chosen));
        }
        parts.join("; ")
    }

    fn preference(&self, application: &Application, wanted: Option<StrategyKind>, chosen: bool) -> String {
        let kind = application.kind.as_str();
        match (wanted, chosen) {
            (Some(_), true) => "asked for".to_owned(),
            (Some(_), false) => "another one was asked for".to_owned(),
            (None, true) => format!("suits {kind} best"),
            (None, false) if row(application.kind).preference.contains(&self.kind) => {
                format!("would do for {kind}, another suits it better")
            }
            (None, false) => format!("not among those for {kind}"),
        }
    }
}
