//! Planning anew what has not started, when application or environments have changed.

use bellwether_plan::{EnvironmentId, Release, ReleaseEvent, ReleaseId};

use crate::{book::Book, planner::Planner};

// === impl Planner ===

impl Planner {
    /// The first release whose plan is for things as they were, with its new one. Where no plan can be made, admission says
    /// so.
    pub(super) fn replan(&self, book: &Book) -> Option<(ReleaseId, ReleaseEvent)> {
        let waits = |release: &&Release| release.stages.values().any(|stage| stage.state.is_waiting());
        let outdated = book.releases().filter(waits).filter(|release| !book.plan_is_current(release));
        outdated.into_iter().find_map(|release| Some((release.id.clone(), self.planned_anew(book, release)?)))
    }

    fn planned_anew(&self, book: &Book, release: &Release) -> Option<ReleaseEvent> {
        let id = &release.application;
        let application = book.application(id.as_str())?;
        let plan = match book.plan(id, application, &release.bundle, self.now()) {
            Ok(plan) => plan,
            Err(problem) => {
                tracing::info!(release = %release.id, %problem, "no plan can be made for it now");
                return None;
            }
        };
        let started = |environment: &EnvironmentId| {
            release.stages.get(environment).is_some_and(|stage| !stage.state.is_waiting())
        };
        let plan = plan.keeping(&release.plan, started);
        let plan_digest = plan.digest();
        Some(ReleaseEvent::Replanned { plan: Box::new(plan), plan_digest })
    }
}
