//! Instances that get no new request: when nothing is open on them any more, or their time is over.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{State, Target};

/// A request that was routed a moment before the route changed is not seen at once; nothing may be open for this many
/// looks in a row.
const QUIET_LOOKS: u32 = 2;

// === impl Target ===

impl Target {
    /// Stops retired instances that have finished, and notes fleets whose drain is over. Only after the gateway has
    /// confirmed that nothing more is routed to them.
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

    fn look_at_open(&self, state: &mut State, open: &BTreeMap<String, crate::control::InstanceStatus>) {
        let ids: Vec<Uuid> = state.instances.keys().copied().collect();
        for id in ids {
            let status = open.get(&id.to_string()).copied().unwrap_or_default();
            let looks = state.quiet.entry(id).or_default();
            *looks = if status.in_flight == 0 { *looks + 1 } else { 0 };
            state.cut.insert(id, status.cut_by_drain);
        }
        let now = self.context.env.now();
        let quiet = |id: &Uuid| state.quiet.get(id).is_some_and(|looks| *looks >= QUIET_LOOKS);
        let over: Vec<Uuid> = state
            .retiring
            .iter()
            .filter(|(id, until)| quiet(id) || **until <= now)
            .map(|(id, _)| *id)
            .collect();
        let drains = state.file.wish.drains.iter();
        let mut of_fleets = drains.map(|(fleet, until)| {
            let of_fleet = state.instances.values().filter(|handle| handle.record.fleet == *fleet);
            (fleet, *until <= now || of_fleet.into_iter().all(|handle| quiet(&handle.record.id)))
        });
        state.drained =
            of_fleets.by_ref().filter(|(_, over)| *over).map(|(fleet, _)| fleet.clone()).collect();
        for id in over {
            if let Some(handle) = state.instances.get_mut(&id).filter(|handle| !handle.is_stopping()) {
                handle.stop();
            }
        }
    }
}
