//! The Watch of each service in the common shape.

use bellwether_proto::{executor, notifier, planner};

use super::step::{WatchMessage, WatchResource, WatchStep};

macro_rules! watched {
    ($($service:ident: $resource:ident in $response:ident, $module:ident, $field:ident;)*) => {$(
        impl WatchMessage for $service::v1::$response {
            type Resource = $service::v1::$resource;

            fn into_step(self) -> Option<WatchStep<Self::Resource>> {
                use $service::v1::$module::Message;
                Some(match self.message? {
                    Message::Snapshot(resource) => WatchStep::Snapshot(resource),
                    Message::Current(current) => WatchStep::Current(current),
                    Message::Changed(changed) => WatchStep::Changed(changed.change?, changed.$field?),
                    Message::Deleted(deleted) => WatchStep::Deleted(deleted.change?, deleted.$field?),
                    Message::Heartbeat(heartbeat) => WatchStep::Heartbeat(heartbeat),
                    Message::Reset(reset) => WatchStep::Reset(reset),
                })
            }
        }

        impl WatchResource for $service::v1::$resource {
            fn name(&self) -> &str {
                &self.name
            }

            fn version(&self) -> i64 {
                self.metadata.as_ref().map_or(0, |metadata| metadata.version)
            }
        }
    )*};
}

watched! {
    executor: Target in WatchTargetsResponse, watch_targets_response, target;
    executor: Rollout in WatchRolloutsResponse, watch_rollouts_response, rollout;
    planner: Release in WatchReleasesResponse, watch_releases_response, release;
    notifier: Delivery in WatchDeliveriesResponse, watch_deliveries_response, delivery;
}
