//! Applications and what the executor knows of their targets.

use std::collections::BTreeMap;

use bellwether_plan::{Approver, EnvironmentId, Veto};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Aggregate, Meta};
use serde::{Deserialize, Serialize};

use super::{Ability, ApplicationEvent, NotThere};

/// The streams `applications/<id>`.
#[derive(Debug)]
pub(crate) struct Applications;

/// An application.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Application {
    /// As given.
    pub(crate) spec: pb::Application,
    /// Grows with every change except that of an instance count.
    pub(crate) generation: u64,
    /// Grows with every change.
    pub(crate) revision: u64,
    /// Who changed it last; its targets are changed on their behalf.
    pub(crate) applied_by: Approver,
    pub(crate) vetoes: Vec<Veto>,
    /// What the executor knows, also of environments that it was taken out of.
    pub(crate) targets: BTreeMap<EnvironmentId, TargetState>,
    /// What platform and router can do there, as the executor last said.
    #[serde(default)]
    pub(crate) abilities: BTreeMap<EnvironmentId, Ability>,
    pub(crate) deleted: bool,
}

/// What the executor knows of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum TargetState {
    /// It has this revision.
    Applied {
        /// Of the application.
        revision: u64,
    },
    /// It has refused this revision.
    Refused {
        /// Of the application.
        revision: u64,
        /// Why.
        code: String,
        /// For people.
        text: String,
    },
}

// === impl Applications ===

impl Aggregate for Applications {
    type State = Option<Application>;
    type Event = ApplicationEvent;
    type Illegal = NotThere;

    const PREFIX: &'static str = "applications/";

    fn evolve(state: Self::State, event: &Self::Event, _: &Meta) -> Result<Self::State, NotThere> {
        if let ApplicationEvent::Applied { application, generation, by } = event {
            return Ok(Some(applied(state, application, *generation, by)));
        }
        let mut state = state.ok_or(NotThere)?;
        state.apply(event);
        Ok(Some(state))
    }

    fn kind(event: &Self::Event) -> &'static str {
        match event {
            ApplicationEvent::Applied { .. } => "APPLICATION_APPLIED",
            ApplicationEvent::TargetApplied { .. } => "TARGET_APPLIED",
            ApplicationEvent::TargetRefused { .. } => "TARGET_REFUSED",
            ApplicationEvent::TargetRemoved { .. } => "TARGET_REMOVED",
            ApplicationEvent::AbilityLearnt { .. } => "ABILITY_LEARNT",
            ApplicationEvent::Vetoed { .. } => "VERSION_VETOED",
            ApplicationEvent::Deleted { .. } => "APPLICATION_DELETED",
        }
    }

    fn ended(state: &Self::State) -> bool {
        state.as_ref().is_none_or(|application| application.deleted && application.targets.is_empty())
    }
}

fn applied(
    former: Option<Application>,
    spec: &pb::Application,
    generation: u64,
    by: &Approver,
) -> Application {
    let (revision, vetoes, targets, abilities) = former.map_or_else(Default::default, |former| {
        (former.revision, former.vetoes, former.targets, former.abilities)
    });
    Application {
        spec: spec.clone(),
        generation,
        revision: revision + 1,
        applied_by: by.clone(),
        vetoes,
        targets,
        abilities,
        deleted: false,
    }
}

// === impl Application ===

impl Application {
    /// Whether it runs there.
    pub(crate) fn runs_in(&self, environment: &EnvironmentId) -> bool {
        !self.deleted && self.spec.environments.contains_key(environment.as_str())
    }

    /// Where the executor must still be told of the present revision.
    pub(crate) fn to_apply(&self) -> Vec<EnvironmentId> {
        let environments = self.spec.environments.keys().map(|id| EnvironmentId::from(id.as_str()));
        let behind =
            |id: &EnvironmentId| self.targets.get(id).is_none_or(|state| state.revision() < self.revision);
        environments.filter(|id| self.runs_in(id) && behind(id)).collect()
    }

    /// Where the executor must still be told that it does not run there any more.
    pub(crate) fn to_remove(&self) -> Vec<EnvironmentId> {
        self.targets.keys().filter(|id| !self.runs_in(id)).cloned().collect()
    }

    fn apply(&mut self, event: &ApplicationEvent) {
        match event {
            ApplicationEvent::Applied { .. } => {}
            ApplicationEvent::TargetApplied { environment, revision } => {
                self.targets.insert(environment.clone(), TargetState::Applied { revision: *revision });
            }
            ApplicationEvent::TargetRefused { environment, revision, code, text } => {
                let refused =
                    TargetState::Refused { revision: *revision, code: code.clone(), text: text.clone() };
                self.targets.insert(environment.clone(), refused);
            }
            ApplicationEvent::TargetRemoved { environment } => {
                self.targets.remove(environment);
                self.abilities.remove(environment);
            }
            ApplicationEvent::AbilityLearnt { environment, ability } => {
                self.abilities.insert(environment.clone(), ability.clone());
            }
            ApplicationEvent::Vetoed { version, by, reason } => self.vetoes.push(Veto {
                application: self.spec.name.trim_start_matches("applications/").into(),
                version: version.clone(),
                by: by.clone(),
                reason: reason.clone(),
            }),
            ApplicationEvent::Deleted { by, .. } => {
                self.deleted = true;
                self.applied_by = by.clone();
            }
        }
    }
}

// === impl TargetState ===

impl TargetState {
    pub(crate) fn revision(&self) -> u64 {
        match self {
            Self::Applied { revision } | Self::Refused { revision, .. } => *revision,
        }
    }
}
