//! Planning anew what has not started, when application, environments or platforms have changed.

use std::collections::BTreeMap;

use bellwether_plan::{EnvironmentId, Release, ReleaseEvent, ReleaseId};

use crate::{book::Book, foresight::Foresight, planner::Planner};

/// What is expected for releases that are planned anew.
pub(super) type Foreseen = BTreeMap<ReleaseId, Foresight>;

/// What has to be done about plans that are for things as they were.
pub(super) enum Replan {
    /// Nothing: there is none, or none that a new plan can be made for. Admission says so.
    Nothing,
    /// What is expected for these has to be asked first, without holding the planner's turn.
    Foresee(Vec<ReleaseId>),
    /// This one has a new plan.
    Commit(ReleaseId, ReleaseEvent),
}

// === impl Planner ===

impl Planner {
    /// Looks at all plans.
    pub(super) fn replan(&self, book: &Book, foreseen: &Foreseen) -> Replan {
        let outdated: Vec<_> = book.releases().filter(|release| is_outdated(book, release)).collect();
        let known = |release: &&Release| foreseen.contains_key(&release.id);
        let unknown: Vec<_> =
            outdated.iter().filter(|release| !known(release)).map(|release| release.id.clone()).collect();
        if !unknown.is_empty() {
            return Replan::Foresee(unknown);
        }
        let anew = |release: &Release| {
            Some(Replan::Commit(
                release.id.clone(),
                self.planned_anew(book, release, foreseen.get(&release.id)?)?,
            ))
        };
        outdated.into_iter().find_map(anew).unwrap_or(Replan::Nothing)
    }

    /// What is expected for these releases now.
    pub(super) async fn foresee_all(&self, book: &Book, releases: Vec<ReleaseId>, foreseen: &mut Foreseen) {
        for id in releases {
            let Some(release) = book.release(id.as_str()) else { continue };
            let foresight = self.foresee(book, &release.application, &release.bundle).await;
            foreseen.insert(id, foresight);
        }
    }

    fn planned_anew(&self, book: &Book, release: &Release, foresight: &Foresight) -> Option<ReleaseEvent> {
        let id = &release.application;
        let application = book.application(id.as_str())?;
        let plan = match book.plan(id, application, &release.bundle, foresight, self.now()) {
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

fn is_outdated(book: &Book, release: &Release) -> bool {
    release.stages.values().any(|stage| stage.state.is_waiting()) && book.outdated(release).is_some()
}
