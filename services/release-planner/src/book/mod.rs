//! Everything that the planner knows.

mod ability;
mod application;
mod environment;
mod event;
mod history;
mod release;
mod stores;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bellwether_plan::{
    ApplicationId, EnvironmentId, Hold, Release, ReleaseId, Situation, Stage, StageState, Veto,
};
use bellwether_resource::Entry;

pub(crate) use ability::Ability;
pub(crate) use application::{Application, Applications, TargetState};
pub(crate) use environment::{Environment, Environments, built_in};
pub(crate) use event::{ApplicationEvent, EnvironmentEvent, HoldEvent};
pub(crate) use release::{Holds, Releases};
pub(crate) use stores::Stores;

/// Everything that the planner knows at one moment.
#[derive(Debug, Default)]
pub(crate) struct Book {
    pub(crate) applications: BTreeMap<ApplicationId, Arc<Entry<Applications>>>,
    pub(crate) environments: BTreeMap<EnvironmentId, Arc<Entry<Environments>>>,
    pub(crate) releases: BTreeMap<ReleaseId, Arc<Entry<Releases>>>,
    /// Those in force.
    pub(crate) holds: Vec<Hold>,
    /// The ids of all that ever were, so that none comes again after it was released.
    pub(crate) known_holds: BTreeSet<String>,
}

/// An event for something that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event for something that does not exist")]
pub(crate) struct NotThere;

// === impl Book ===

impl Book {
    /// An application that exists.
    pub(crate) fn application(&self, id: &str) -> Option<&Application> {
        self.applications.get(id)?.state.as_ref().filter(|application| !application.deleted)
    }

    /// The applications that exist, by id.
    pub(crate) fn applications(&self) -> impl Iterator<Item = (&ApplicationId, &Application)> {
        self.applications.keys().filter_map(|id| Some((id, self.application(id.as_str())?)))
    }

    /// An environment that exists.
    pub(crate) fn environment(&self, id: &str) -> Option<&Environment> {
        self.environments.get(id)?.state.as_ref().filter(|environment| !environment.deleted)
    }

    /// The environments that exist, by id.
    pub(crate) fn environments(&self) -> impl Iterator<Item = (&EnvironmentId, &Environment)> {
        self.environments.keys().filter_map(|id| Some((id, self.environment(id.as_str())?)))
    }

    /// A release.
    pub(crate) fn release(&self, id: &str) -> Option<&Release> {
        self.releases.get(id)?.state.as_ref()
    }

    /// All releases, the oldest first.
    pub(crate) fn releases(&self) -> impl DoubleEndedIterator<Item = &Release> {
        self.releases.values().filter_map(|entry| entry.state.as_ref())
    }

    /// The releases of one application, the oldest first.
    pub(crate) fn releases_of<'a>(
        &'a self,
        application: &'a ApplicationId,
    ) -> impl DoubleEndedIterator<Item = &'a Release> {
        self.releases().filter(move |release| release.application == *application)
    }

    /// Releases of one application with their stage in one environment, the oldest first.
    pub(crate) fn stages<'a>(
        &'a self,
        application: &'a ApplicationId,
        environment: &'a EnvironmentId,
    ) -> impl DoubleEndedIterator<Item = (&'a Release, &'a Stage)> {
        self.releases_of(application)
            .filter_map(move |release| release.stages.get(environment).map(|stage| (release, stage)))
    }

    /// The newest release that is live or on its way there.
    pub(crate) fn serving<'a>(
        &'a self,
        application: &'a ApplicationId,
        environment: &'a EnvironmentId,
    ) -> Option<&'a Release> {
        let serves = |stage: &Stage| stage.state == StageState::RollingOut || stage.live_since.is_some();
        let mut serving = self.stages(application, environment).filter(|(_, stage)| serves(stage));
        serving.next_back().map(|(release, _)| release)
    }

    /// The release and environment that a rollout belongs to.
    pub(crate) fn by_rollout(&self, rollout: &str) -> Option<(&Release, &EnvironmentId, &Stage)> {
        self.releases().rev().find_map(|release| {
            let mut stages = release.stages.iter();
            let found = stages.find(|(_, stage)| stage.rollout.as_deref() == Some(rollout));
            found.map(|(environment, stage)| (release, environment, stage))
        })
    }

    /// Everything that admission looks at, for one release in one environment.
    pub(crate) fn situation<'a>(
        &'a self,
        release: &'a Release,
        environment: &EnvironmentId,
    ) -> Situation<'a> {
        Situation {
            release,
            holds: &self.holds,
            vetoes: self.vetoes(release),
            outdated: self.outdated(release),
            failed_here: self.failed_here(release, environment),
        }
    }

    /// The veto on its version, if there is one.
    pub(crate) fn veto(&self, release: &Release) -> Option<&Veto> {
        self.vetoes(release).iter().find(|veto| veto.version == release.bundle.version)
    }

    /// Those of its application.
    fn vetoes(&self, release: &Release) -> &[Veto] {
        let application = self.applications.get(&release.application).and_then(|entry| entry.state.as_ref());
        application.map_or(&[], |application| &application.vetoes)
    }

    /// Whether another release that runs the same has failed or was taken back there.
    fn failed_here(&self, release: &Release, environment: &EnvironmentId) -> bool {
        self.stages(&release.application, environment).any(|(other, stage)| {
            other.id != release.id
                && other.plan.identity == release.plan.identity
                && matches!(stage.state, StageState::Failed | StageState::RolledBack)
        })
    }
}
