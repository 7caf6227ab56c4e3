//! What callers may do, one file per command or pair of commands.
//!
//! A request is read with all its violations first; everything that depends on state is decided inside of the
//! transaction, so that a repetition of a call gets the first answer whatever has happened since.

mod apply_application;
mod apply_environment;
mod approve;
mod cancel;
mod delete;
mod forward;
mod hold;
mod on_release;
mod promote;
mod rehearse;
mod submit;
mod veto;

use bellwether_plan::Approver;
use bellwether_resource::{Call, error::Problem};
use bellwether_server::Caller;
use serde::Serialize;

use crate::convert;

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    pub(crate) by: Approver,
    caller: Caller,
}

// === impl Asker ===

impl Asker {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { by: convert::approver(&caller), caller }
    }

    /// What makes a repetition of this call recognisable.
    ///
    /// # Errors
    /// The request has no JSON form.
    fn call(&self, method: &str, request_id: &str, request: &impl Serialize) -> Result<Call, Problem> {
        let method = format!("bellwether.planner.v1.ReleasePlannerService/{method}");
        Call::new(&self.caller.acting().0, &method, request_id, request)
    }

    /// Refuses what the caller's token is not bound to.
    ///
    /// # Errors
    /// PERMISSION_DENIED `OUT_OF_SCOPE`.
    fn require_scope(&self, team: &str, application: &str) -> Result<(), tonic::Status> {
        self.caller.require_scope(team, application)
    }
}
