//! Why calls are refused.

use bellwether_resource::{error::Problem, reasons};

use crate::{
    control::ClientError,
    durable::FileError,
    supervisor::{FenceError, RouteError, StoreError, TargetError},
};

reasons! {
    /// What the agent refuses calls for, beside what every service shares.
    pub AGENT_REASONS;
    /// There is no such target on this host.
    TARGET_UNKNOWN = NotFound, "Check the name; a target exists once an executor has converged it here.";
    /// The target has no such fleet.
    FLEET_UNKNOWN = NotFound, "Name a fleet that the target has; Observe shows them.";
    /// The target belongs to another executor's journal.
    TARGET_FOREIGN = FailedPrecondition, "Use the installation that owns the target, or another target name.";
    /// A higher epoch or generation was obeyed already.
    FENCE_STALE = FailedPrecondition, "Another executor is in charge or a newer command was sent; read the state again.";
    /// A person took the traffic over.
    TAKEN_OVER = FailedPrecondition, "Hand the target back first.";
    /// The traffic was not taken over.
    NOT_TAKEN_OVER = FailedPrecondition, "There is nothing to hand back.";
    /// A listening address is taken by another process.
    PORT_IN_USE = FailedPrecondition, "Free the address or configure another ingress.";
    /// The gateway does not answer.
    GATEWAY_DOWN = Unavailable, retryable, "Send the call again; the gateway is being started.";
    /// The gateway refuses the route.
    ROUTE_REFUSED = InvalidArgument, "Correct what the message names.";
    /// What lies on the agent's disk cannot be written or read.
    AGENT_STORAGE_FAILED = Unavailable, retryable, "Look at the disk of the agent's data directory.";
    /// The artifact is not what its header says, or must not be unpacked.
    ARTIFACT_REFUSED = InvalidArgument, "Send the bytes that the digest was computed of, as the format says.";
    /// The stream of an artifact is not a header and then chunks.
    ARTIFACT_STREAM = InvalidArgument, "Send the header first and once, then chunks of at most 1 MiB.";
}

/// A refusal for what the supervisor says.
pub(super) fn of_target(error: &TargetError) -> Problem {
    let message = error.to_string();
    match error {
        TargetError::Name(_) => bellwether_resource::error::INVALID_FIELDS.because(message),
        TargetError::Unknown(_) => TARGET_UNKNOWN.because(message),
        TargetError::Fence(error) => of_fence(error),
        TargetError::TakenOver { reason } => TAKEN_OVER.because(message).with("taken_over_reason", reason),
        TargetError::NoFleet(_) => FLEET_UNKNOWN.because(message),
        TargetError::NotTakenOver => NOT_TAKEN_OVER.because(message),
        TargetError::File(error) => of_file(error),
        TargetError::Route(error) => of_route(error),
    }
}

fn of_fence(error: &FenceError) -> Problem {
    let (reason, highest) = match error {
        FenceError::Foreign { highest } => (TARGET_FOREIGN, highest),
        FenceError::Stale { highest } => (FENCE_STALE, highest),
    };
    let problem = reason.because(error.to_string()).with("journal_id", &highest.journal_id);
    problem.with("epoch", highest.epoch).with("generation", highest.generation)
}

/// A refusal for what the artifacts' store says.
pub(super) fn of_store(error: &StoreError) -> Problem {
    match error {
        StoreError::Missing(_)
        | StoreError::Changed(_)
        | StoreError::Header(_)
        | StoreError::Mismatch { .. }
        | StoreError::Archive(_) => ARTIFACT_REFUSED.because(error.to_string()),
        StoreError::Io(source) => AGENT_STORAGE_FAILED.because(format!("{error}: {source}")),
        StoreError::File(error) => of_file(error),
    }
}

fn of_file(error: &FileError) -> Problem {
    AGENT_STORAGE_FAILED.because(error.to_string())
}

fn of_route(error: &RouteError) -> Problem {
    let reason = match error {
        RouteError::Listen(_) => PORT_IN_USE,
        RouteError::Gateway(ClientError::Refused(_)) => ROUTE_REFUSED,
        RouteError::Gateway(_) | RouteError::Down => GATEWAY_DOWN,
    };
    reason.because(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_resource::error::page_problems;

    use super::AGENT_REASONS;

    #[test]
    fn every_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        assert_eq!(page_problems(AGENT_REASONS, &pages), Vec::<String>::new());
    }
}
