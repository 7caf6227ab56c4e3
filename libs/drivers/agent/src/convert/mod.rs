//! Between the domain and the agent's contract.

mod input;
mod observed;
mod spec;

use bellwether_platform::{Capabilities, Fence};
use bellwether_proto::agent::v1 as proto;

pub(crate) use input::{desired, route};
pub(crate) use observed::{platform_observed, router_observed};

/// A target's name as the agent knows it.
pub(crate) fn name(target: &str) -> String {
    if target.starts_with("targets/") { target.to_owned() } else { format!("targets/{target}") }
}

/// Who asks.
pub(crate) fn fence(fence: Fence) -> proto::Fence {
    proto::Fence {
        journal_id: fence.journal_id.to_string(),
        epoch: i64::try_from(fence.epoch).unwrap_or(i64::MAX),
        generation: i64::try_from(fence.generation).unwrap_or(i64::MAX),
    }
}

/// What the agent can do.
pub(crate) fn capabilities(can: &proto::GetCapabilitiesResponse) -> Capabilities {
    Capabilities {
        weights: can.weights,
        header_match: can.header_match,
        mirror: can.mirror,
        affinity: can.affinity,
        confirm: can.confirm,
        drain: can.drain,
        surge: can.surge,
        preview: can.preview,
        fenced: can.fenced,
    }
}
