//! Holds.

use bellwether_plan::{Hold, HoldCause};
use bellwether_proto::planner::v1::{self as pb, hold::Cause};
use bellwether_resource::time;

use super::principal_message;

/// For the contract.
pub(crate) fn hold_message(hold: &Hold) -> pb::Hold {
    let cause = match hold.cause {
        HoldCause::Person => Cause::Person,
        HoldCause::ManualRollback => Cause::ManualRollback,
        HoldCause::OlderVersion => Cause::OlderVersion,
    };
    pb::Hold {
        name: format!("holds/{}", hold.id),
        application: hold.application.as_ref().map(ToString::to_string).unwrap_or_default(),
        environment: hold.environment.as_ref().map(ToString::to_string).unwrap_or_default(),
        cause: cause.into(),
        principal: Some(principal_message(&hold.by)),
        reason: hold.reason.clone(),
        create_time: Some(time::to_timestamp(hold.since)),
    }
}
