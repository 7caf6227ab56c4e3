//! Accepted and refused mutations, on the log target `audit`.

use tonic::Code;

use crate::{Caller, Method};

/// Logs a call that changes something once its outcome is known: accepted, or refused with its code. Calls of nobody
/// (no identity) are logged too.
pub(super) fn log(method: &Method, caller: Option<&Caller>, code: Code) {
    if !method.mutates() {
        return;
    }
    let principal = caller.map_or("", |caller| caller.principal.id.as_str());
    let actor = caller.map_or("", |caller| caller.actor().id.as_str());
    let outcome = if code == Code::Ok { "accepted" } else { "refused" };
    let kind = caller.map(|caller| caller.actor().kind);
    let (service, method) = (method.service.as_str(), method.name.as_str());
    tracing::info!(target: "audit", outcome, service, method, principal, actor, ?kind, ?code);
}
