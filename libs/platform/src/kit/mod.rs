//! The conformance kit: what every driver promises, run against the real thing.
//!
//! A driver's tests implement [`Subject`] and call [`run`]. Each check uses a target of its own. Nothing sleeps:
//! conditions are awaited on the driver's own watch, with the subject's limit.

mod checks;
mod world;

use std::time::Duration;

use async_trait::async_trait;
use bellwether_rollout::{FleetSpec, InstanceId, TargetSpec};

use crate::Driver;

/// A driver under test and what it can run.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The driver, with everything that it needs running.
    async fn driver(&self) -> Driver;

    /// The same durable state behind a new driver, as after a restart of the process; none: it keeps nothing.
    async fn restarted(&self) -> Option<Driver>;

    /// A target of this name with `n` instances.
    fn target(&self, name: &str, n: u32) -> TargetSpec;

    /// A fleet that becomes ready, in version `version`.
    fn fleet(&self, version: &str) -> FleetSpec;

    /// Ends an instance as a crash would; false: this subject cannot.
    async fn kill(&self, target: &str, instance: InstanceId) -> bool {
        let _unused = (target, instance);
        false
    }

    /// How long anything may take.
    fn limit(&self) -> Duration {
        Duration::from_secs(20)
    }
}

/// Runs every check that the driver's capabilities allow; panics at the first that fails, with its name.
pub async fn run(subject: &dyn Subject) {
    checks::all(subject).await;
}
