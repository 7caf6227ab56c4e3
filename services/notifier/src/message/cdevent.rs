//! CDEvents 0.5.1 (<https://cdevents.dev>): the events for what Bellwether does.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A CDEvent without its context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CdEvent {
    /// What happened.
    pub kind: CdKind,
    /// The application; for events of an environment, empty.
    #[serde(default)]
    pub service: String,
    /// The environment.
    pub environment: String,
    /// The artifact as a package URL; empty where the event has none.
    #[serde(default)]
    pub artifact: String,
    /// What was found, for [`CdKind::IncidentDetected`].
    #[serde(default)]
    pub description: String,
    /// Ties the events of one release together; empty: none.
    #[serde(default)]
    pub chain: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CdKind {
    /// The first version of a service serves.
    ServiceDeployed,
    /// Another version of a service serves.
    ServiceUpgraded,
    /// A service is back on the version before.
    ServiceRolledBack,
    /// A service is gone from an environment.
    ServiceRemoved,
    /// Somebody has to act.
    IncidentDetected,
}

/// The version of the specification.
pub(super) const VERSION: &str = "0.5.1";

// === impl CdKind ===

impl CdKind {
    /// The event's type with its version.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::ServiceDeployed => "dev.cdevents.service.deployed.0.3.0",
            Self::ServiceUpgraded => "dev.cdevents.service.upgraded.0.3.0",
            Self::ServiceRolledBack => "dev.cdevents.service.rolledback.0.3.0",
            Self::ServiceRemoved => "dev.cdevents.service.removed.0.3.0",
            Self::IncidentDetected => "dev.cdevents.incident.detected.0.3.0",
        }
    }
}

// === impl CdEvent ===

impl CdEvent {
    /// The event's `subject`; `id` names the incident where it is one.
    pub(super) fn subject(&self, id: &str) -> Value {
        let environment = json!({ "id": self.environment });
        match self.kind {
            CdKind::ServiceDeployed | CdKind::ServiceUpgraded | CdKind::ServiceRolledBack => json!({
                "id": self.service,
                "content": { "environment": environment, "artifactId": self.artifact },
            }),
            CdKind::ServiceRemoved => json!({
                "id": self.service,
                "content": { "environment": environment },
            }),
            CdKind::IncidentDetected => json!({ "id": id, "content": self.incident(environment) }),
        }
    }

    fn incident(&self, environment: Value) -> Value {
        let mut content = json!({
            "description": self.description,
            "environment": environment,
            "service": { "id": self.service },
        });
        if !self.artifact.is_empty() {
            content["artifactId"] = json!(self.artifact);
        }
        content
    }
}
