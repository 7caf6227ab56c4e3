//! Environments, and those that exist from the start.

use bellwether_plan::EnvironmentId;
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Aggregate, Meta};
use serde::{Deserialize, Serialize};

use super::{EnvironmentEvent, NotThere};

/// The streams `environments/<id>`.
#[derive(Debug)]
pub(crate) struct Environments;

/// An environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Environment {
    /// As given.
    pub(crate) spec: pb::Environment,
    /// Grows with every change.
    pub(crate) generation: u64,
    pub(crate) deleted: bool,
}

// === impl Environments ===

impl Aggregate for Environments {
    type State = Option<Environment>;
    type Event = EnvironmentEvent;
    type Illegal = NotThere;

    const PREFIX: &'static str = "environments/";

    fn evolve(state: Self::State, event: &Self::Event, _: &Meta) -> Result<Self::State, NotThere> {
        match event {
            EnvironmentEvent::Applied { environment, generation, .. } => {
                let spec = (**environment).clone();
                Ok(Some(Environment { spec, generation: *generation, deleted: false }))
            }
            EnvironmentEvent::Deleted { .. } => {
                let state = state.ok_or(NotThere)?;
                Ok(Some(Environment { deleted: true, ..state }))
            }
        }
    }

    fn kind(event: &Self::Event) -> &'static str {
        match event {
            EnvironmentEvent::Applied { .. } => "ENVIRONMENT_APPLIED",
            EnvironmentEvent::Deleted { .. } => "ENVIRONMENT_DELETED",
        }
    }

    fn ended(state: &Self::State) -> bool {
        state.as_ref().is_none_or(|environment| environment.deleted)
    }
}

/// Development, staging, production: each promoted from the one before; production asks for four eyes.
pub(crate) fn built_in() -> [(EnvironmentId, pb::Environment); 3] {
    let environment = |id: &str, upstream: Option<&str>| pb::Environment {
        name: format!("environments/{id}"),
        upstreams: upstream.map(str::to_owned).into_iter().collect(),
        ..pb::Environment::default()
    };
    let four_eyes = pb::ApprovalRule { id: "four-eyes".to_owned(), count: 1, ..pb::ApprovalRule::default() };
    let production =
        pb::Environment { approvals: vec![four_eyes], ..environment("production", Some("staging")) };
    [
        ("development".into(), environment("development", None)),
        ("staging".into(), environment("staging", Some("development"))),
        ("production".into(), production),
    ]
}
