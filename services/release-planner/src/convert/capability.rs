//! What platforms can do.

use bellwether_plan::{Capabilities, Capability};
use bellwether_proto::executor::v1 as pb;

/// As a target says it.
pub(crate) fn capabilities(can: pb::Capabilities) -> Capabilities {
    let all = [
        (can.weights, Capability::Weights),
        (can.surge, Capability::Surge),
        (can.preview, Capability::Preview),
        (can.header_match, Capability::HeaderMatch),
        (can.mirror, Capability::Mirror),
        (can.affinity, Capability::Affinity),
        (can.confirm, Capability::Confirm),
        (can.drain, Capability::Drain),
    ];
    all.into_iter().filter(|(can, _)| *can).map(|(_, capability)| capability).collect()
}
