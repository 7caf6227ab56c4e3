//! What the agent refuses, as the traits say it.

use bellwether_client::ApiError;
use bellwether_platform::{Error, Fence};
use tonic::{Code, Status};
use uuid::Uuid;

const DRIVER: &str = "agent";

/// A call without a fence failed.
pub(crate) fn unavailable(status: Status) -> Error {
    let error = ApiError::from(status);
    match error.code {
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::ResourceExhausted => {
            gone(&error)
        }
        _ => Error::Rejected { driver: DRIVER.to_owned(), why: error.to_string() },
    }
}

/// A call with this fence failed.
pub(crate) fn of(status: Status, given: Fence) -> Error {
    let error = ApiError::from(status.clone());
    match error.reason.as_str() {
        "FENCE_STALE" | "TARGET_FOREIGN" => Error::Fenced { held: held(&error).unwrap_or(given), given },
        "TAKEN_OVER" => {
            let reason = error.values.get("taken_over_reason").cloned().unwrap_or_default();
            Error::TakenOver { reason }
        }
        _ => unavailable(status),
    }
}

/// Whether there is no such target, or no such fleet.
pub(crate) fn is_unknown(status: &Status) -> bool {
    is_reason(status, "TARGET_UNKNOWN") || is_reason(status, "FLEET_UNKNOWN")
}

/// Whether the call was refused for this reason.
pub(crate) fn is_reason(status: &Status, reason: &str) -> bool {
    ApiError::from(status.clone()).reason == reason
}

fn gone(error: &ApiError) -> Error {
    Error::Unavailable { driver: DRIVER.to_owned(), why: error.to_string() }
}

/// The fence that the agent holds.
fn held(error: &ApiError) -> Option<Fence> {
    let value = |name: &str| error.values.get(name);
    Some(Fence {
        journal_id: Uuid::parse_str(value("journal_id")?).ok()?,
        epoch: value("epoch")?.parse().ok()?,
        generation: value("generation")?.parse().ok()?,
    })
}
