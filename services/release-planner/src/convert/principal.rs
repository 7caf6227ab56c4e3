//! Who did something.

use bellwether_plan::{Approver, ApproverKind};
use bellwether_proto::common::v1 as pb;
use bellwether_server::{Caller, Kind, Role};

/// The one who is answerable for a call, with the roles that count.
pub(crate) fn approver(caller: &Caller) -> Approver {
    let roles = caller.on_behalf_of.as_ref().map_or(&caller.roles, |other| &other.roles);
    let actor = caller.actor();
    let kind = match actor.kind {
        Kind::Human => ApproverKind::Human,
        Kind::Agent => ApproverKind::Agent,
        Kind::Service => ApproverKind::Service,
        Kind::Local => ApproverKind::Local,
    };
    let roles = roles.iter().copied().map(Role::as_str).map(str::to_owned).collect();
    Approver { id: actor.id.clone(), kind, roles }
}

/// For the contract.
pub(crate) fn principal_message(by: &Approver) -> pb::Principal {
    use pb::principal::Kind as Pb;
    let kind = match by.kind {
        ApproverKind::Human => Pb::Human,
        ApproverKind::Agent => Pb::Agent,
        ApproverKind::Service => Pb::Service,
        ApproverKind::Local => Pb::Local,
    };
    pb::Principal { id: by.id.clone(), kind: kind.into() }
}
