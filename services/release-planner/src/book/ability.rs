//! What platforms can do, as the executor said when it was told of a target.

use bellwether_plan::{Capabilities, EnvironmentId};
use bellwether_proto::{executor::v1::Target, planner::v1 as pb};
use serde::{Deserialize, Serialize};

use super::{Application, ApplicationEvent, Book};
use crate::convert;

/// What a platform and its router can do together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ability {
    /// As the application names it; empty: the executor's default.
    pub(crate) platform: String,
    /// As above; empty: the platform's own.
    pub(crate) router: String,
    /// What they can do.
    pub(crate) can: Capabilities,
}

// === impl Ability ===

impl Ability {
    fn is_of(&self, deployment: &pb::Deployment) -> bool {
        self.platform == deployment.platform && self.router == deployment.router
    }
}

// === impl Application ===

impl Application {
    /// What `target` says of its platform that was not known; nothing while it says nothing.
    pub(crate) fn learns(
        &self,
        environment: &EnvironmentId,
        deployment: &pb::Deployment,
        target: &Target,
    ) -> Option<ApplicationEvent> {
        let ability = Ability {
            platform: deployment.platform.clone(),
            router: deployment.router.clone(),
            can: convert::capabilities(target.capabilities?),
        };
        let environment = environment.clone();
        let known = self.abilities.get(&environment) == Some(&ability);
        (!known).then_some(ApplicationEvent::AbilityLearnt { environment, ability })
    }
}

// === impl Book ===

impl Book {
    /// What a deployment's platform and router can do, by what was said about its own application or, before that was
    /// asked for, about any other. `None`: nobody has said it yet.
    pub(crate) fn able(
        &self,
        application: &Application,
        deployment: &pb::Deployment,
    ) -> Option<Capabilities> {
        let others = self.applications().flat_map(|(_, other)| other.abilities.values());
        let mut known = application.abilities.values().chain(others);
        known.find(|ability| ability.is_of(deployment)).map(|ability| ability.can.clone())
    }
}
