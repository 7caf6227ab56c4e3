//! Events in.

use bellwether_journal::Commit;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::{
    Violations,
    error::{INTERNAL, Problem, STORAGE_FAILED},
};
use bellwether_server::Caller;
use tonic::Status;

use super::{Api, application};
use crate::{
    convert::{self, Told},
    monitor::{told_key, warning},
};

const MOST_EVENTS: usize = 100;

// === impl Api ===

impl Api {
    /// Durable before they are answered; each id counts once.
    pub(super) async fn events(
        &self,
        caller: &Caller,
        request: pb::PushEventsRequest,
    ) -> Result<pb::PushEventsResponse, Status> {
        let mut violations = Violations::new();
        let given = request.events.len();
        violations.check((1..=MOST_EVENTS).contains(&given), "events", given, "1 to 100 events");
        let now = self.monitor.now();
        let mut read = |(index, event)| {
            violations.element("events", index, |violations| convert::event(violations, event, now))
        };
        let told: Vec<Told> = request.events.iter().take(MOST_EVENTS).enumerate().map(&mut read).collect();
        violations.finish()?;
        for event in &told {
            caller.require_scope("", application(&event.target))?;
        }
        for event in told {
            if self.keep(&event).await? {
                self.tell(&event).await;
            }
        }
        Ok(pb::PushEventsResponse {})
    }

    /// Whether it is new.
    async fn keep(&self, told: &Told) -> Result<bool, Problem> {
        let journal = self.monitor.records.journal();
        let key = told_key(&told.target, &told.fleet, &told.id);
        let unreadable = |error: bellwether_journal::ReadError| {
            tracing::error!(%error, "an event cannot be looked up");
            STORAGE_FAILED.because("the service cannot read its journal")
        };
        if journal.get(&key).await.map_err(unreadable)?.is_some() {
            return Ok(false);
        }
        let value =
            serde_json::to_vec(&told.event).map_err(|_| INTERNAL.because("the event has no JSON form"))?;
        let commit = Commit::new(self.monitor.now()).put(key, value);
        let commit = if told.critical { commit.urgent() } else { commit };
        journal.commit(commit).await.map_err(|error| {
            tracing::error!(%error, "an event cannot be kept");
            STORAGE_FAILED.because("the service cannot write its journal")
        })?;
        Ok(true)
    }

    async fn tell(&self, told: &Told) {
        for running in self.monitor.registry.of_target(&told.target) {
            if running.candidate == told.fleet
                && running.tell(warning(told), told.critical, self.monitor.now())
            {
                self.monitor.settled(&running).await;
            }
        }
    }
}
