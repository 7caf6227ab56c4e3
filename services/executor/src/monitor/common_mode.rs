//! Several targets that lose the monitor or a source of it within a minute are one incident, not many: each of them holds,
//! whatever its policy says, and the first one tells of it for all.
//!
//! Level-triggered on what the targets hold for: a process that comes after this one finds the same.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_rollout::{HoldKind, Incident, Input, Reason};

use super::losses::{Known, Loss};
use crate::{
    record::Note,
    shell::{Executor, State},
    targets::TargetEntry,
};

/// Before an incident is told: what is lost is mostly lost to all within a moment.
const SETTLE: Duration = Duration::from_secs(2);
/// The value of a hold's reason that names its incident.
const INCIDENT: &str = "incident";
/// The value of a hold's reason that names what was lost.
const LOST: &str = "lost";

/// Holds the target with those that lost the same, until the process ends.
pub(crate) async fn run(executor: &Executor, mut state: State) {
    let (mut losses, mut telling) = (executor.losses().watch(), None::<(String, Timestamp)>);
    loop {
        let entry = state.borrow_and_update().clone();
        let loss = lost(&entry);
        executor.losses().note(&entry.stream, loss.clone(), executor.env());
        let known = loss.and_then(|loss| losses.borrow_and_update().get(&loss.what).cloned());
        let known = known.filter(|known| known.targets.contains(&*entry.stream));
        if let Some(known) = &known {
            hold(executor, &state, &entry, known).await;
        }
        let untold = known.filter(|known| *known.first == *entry.stream && !is_told(&entry, known));
        telling = untold.as_ref().map(|known| match telling.take() {
            Some(since) if since.0 == known.id => since,
            _ => (known.id.clone(), executor.env().now()),
        });
        let settled = telling.as_ref().map(|(_, since)| SETTLE.saturating_sub(executor.env().since(*since)));
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            changed = losses.changed() => if changed.is_err() { return },
            known = after(settled, untold) => tell(executor, &state, &known).await,
        }
    }
}

/// What there is to be told, when it is time; never where there is nothing.
async fn after(settled: Option<Duration>, untold: Option<Known>) -> Known {
    match (settled, untold) {
        (Some(left), Some(known)) => {
            tokio::time::sleep(left).await;
            known
        }
        _ => std::future::pending().await,
    }
}

/// What the target holds for.
fn lost(entry: &TargetEntry) -> Option<Loss> {
    let hold = entry.state.core.begun()?.hold.as_ref()?;
    let (since, values) = (hold.since, &hold.reason.values);
    match hold.kind {
        HoldKind::MonitorLost => Some(Loss { what: "monitor".into(), since, incident: None }),
        HoldKind::Error => {
            let what = values.get("source").unwrap_or(&hold.reason.code).clone();
            Some(Loss { what, since, incident: None })
        }
        HoldKind::CommonMode => {
            let (what, incident) = (values.get(LOST)?.clone(), values.get(INCIDENT).cloned());
            Some(Loss { what, since, incident })
        }
        HoldKind::NoData | HoldKind::Undecided => None,
    }
}

async fn hold(executor: &Executor, state: &State, entry: &TargetEntry, known: &Known) {
    let Some(rollout) = entry.state.core.begun() else { return };
    let alone = |kind| matches!(kind, HoldKind::MonitorLost | HoldKind::Error);
    if rollout.hold.as_ref().is_some_and(|hold| alone(hold.kind)) {
        let input = Input::CommonMode { rollout: rollout.id(), reason: known.reason() };
        executor.deliver(state, input, Note::default()).await;
    }
}

fn is_told(entry: &TargetEntry, known: &Known) -> bool {
    entry.state.core.incident.as_ref().is_some_and(|told| told.id == known.id)
}

/// With all targets that are known by now.
async fn tell(executor: &Executor, state: &State, known: &Known) {
    let newest = executor.losses().watch().borrow().get(&known.what).filter(|it| it.id == known.id).cloned();
    let known = newest.as_ref().unwrap_or(known);
    let targets: Vec<_> = known.targets.iter().map(AsRef::as_ref).collect();
    tracing::error!(incident = known.id, lost = known.what, targets = targets.join(" "), "a common loss");
    let targets = targets.into_iter().map(str::to_owned).collect();
    let incident = Incident { id: known.id.clone(), reason: known.reason(), targets };
    executor.deliver(state, Input::Incident(Box::new(incident)), Note::default()).await;
}

// === impl Known ===

impl Known {
    fn reason(&self) -> Reason {
        let text = format!(
            "{} targets lost the {} within a minute: nothing is taken back for it",
            self.targets.len(),
            if self.what == "monitor" { "monitor".to_owned() } else { format!("source {}", self.what) },
        );
        Reason::new("COMMON_MODE", text).with(INCIDENT, &self.id).with(LOST, &self.what)
    }
}
