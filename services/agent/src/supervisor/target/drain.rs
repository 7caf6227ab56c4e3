//! Instances that get no new request: when nothing is open on them any more, or their time is over.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{State, Target};
use crate::control::InstanceStatus;

// === impl Target ===

impl Target {
    /// Stops retired instances that have finished, and notes fleets whose drain is over. Only after the gateway has
    /// confirmed that nothing more is routed to them: what it tells to be open then includes every request that was
    /// routed before.
    pub(super) async fn follow_drains(&self, state: &mut State) {
        let nothing_to_do = state.retiring.is_empty() && state.file.wish.drains.is_empty();
        if state.pushed.is_none() || nothing_to_do {
            state.drained.retain(|fleet| state.file.wish.drains.contains_key(fleet));
            return;
        }
        match self.gateway.open().await {
            Ok(open) => self.look_at_open(state, &open),
            Err(error) => tracing::warn!(%error, "it cannot be seen what is still open"),
        }
    }

    fn look_at_open(&self, state: &mut State, open: &BTreeMap<String, InstanceStatus>) {
        let now = self.context.env.now();
        let status = |id: &Uuid| open.get(&id.to_string()).copied().unwrap_or_default();
        let quiet = |id: &Uuid| status(id).in_flight == 0;
        state.cut = state.instances.keys().map(|id| (*id, status(id).cut_by_drain)).collect();
        let drains = state.file.wish.drains.iter();
        let over = drains.filter(|(fleet, until)| {
            let mut of_fleet = state.instances.values().filter(|handle| handle.record.fleet == **fleet);
            **until <= now || of_fleet.all(|handle| quiet(&handle.record.id))
        });
        state.drained = over.map(|(fleet, _)| fleet.clone()).collect();
        for (id, until) in &state.retiring {
            if let Some(handle) = state.instances.get_mut(id).filter(|handle| !handle.is_stopping())
                && (quiet(id) || *until <= now)
            {
                handle.stop();
            }
        }
    }
}
