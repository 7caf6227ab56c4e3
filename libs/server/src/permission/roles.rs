//! Roles and what each of them holds.

use bellwether_proto::common::v1::Permission;
use serde::{Deserialize, Serialize};

use crate::{Caller, Kind};

/// The service identity that may start rollouts.
const PLANNER: &str = "release-planner";

/// A set of permissions under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Hands in releases and evidence.
    Requester,
    /// Approves and rejects.
    Approver,
    /// Pauses, resumes, advances, aborts, rolls back.
    Operator,
    /// Everything.
    Admin,
    /// One of Bellwether's own services.
    Service,
}

// === impl Role ===

impl Role {
    /// The name used in files and metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Requester => "requester",
            Self::Approver => "approver",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Service => "service",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Viewer, Self::Requester, Self::Approver, Self::Operator, Self::Admin, Self::Service]
            .into_iter()
            .find(|role| role.as_str() == name)
    }

    /// The table of `permission.proto`, whose comments are its reference.
    fn permits(self, permission: Permission) -> bool {
        use Permission as P;
        match permission {
            P::Unspecified => false,
            P::View => true,
            P::Request => matches!(self, Self::Requester | Self::Operator | Self::Admin),
            P::Approve => matches!(self, Self::Approver | Self::Admin),
            P::Operate => matches!(self, Self::Operator | Self::Admin),
            P::Emergency => matches!(self, Self::Operator | Self::Admin | Self::Service),
            P::Administer | P::Override | P::StartRollout => matches!(self, Self::Admin),
            P::PushSamples | P::Serve => matches!(self, Self::Service | Self::Admin),
        }
    }
}

/// Does the caller hold this permission, by its own roles or by those of the one it acts for?
///
/// `local` holds all of them. The planner's service identity may start rollouts. A token bound to applications may
/// push samples of those (the handler checks which).
pub fn holds(caller: &Caller, permission: Permission) -> bool {
    if permission == Permission::Unspecified {
        return false;
    }
    own(caller, permission)
        || caller.on_behalf_of.as_ref().is_some_and(|other| {
            other.principal.kind == Kind::Local || other.roles.iter().any(|role| role.permits(permission))
        })
}

fn own(caller: &Caller, permission: Permission) -> bool {
    let planner = permission == Permission::StartRollout
        && caller.principal.id == PLANNER
        && caller.roles.contains(&Role::Service);
    let bound = permission == Permission::PushSamples && !caller.applications.is_empty();
    caller.principal.kind == Kind::Local
        || planner
        || bound
        || caller.roles.iter().any(|role| role.permits(permission))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OnBehalfOf, Principal};

    fn caller(id: &str, kind: Kind, roles: &[Role]) -> Caller {
        Caller {
            principal: Principal { id: id.into(), kind },
            roles: roles.to_vec(),
            loopback: false,
            ..Caller::local()
        }
    }

    #[test]
    fn nobody_holds_what_is_unspecified() {
        assert!(!holds(&Caller::local(), Permission::Unspecified));
        assert!(!holds(&caller("root", Kind::Human, &[Role::Admin]), Permission::Unspecified));
    }

    #[test]
    fn a_principal_without_roles_holds_nothing() {
        let nobody = caller("nobody", Kind::Human, &[]);
        assert!(!holds(&nobody, Permission::View));
        assert!(holds(&Caller::local(), Permission::Override));
    }

    #[test]
    fn only_the_planner_starts_rollouts() {
        assert!(holds(&caller("release-planner", Kind::Service, &[Role::Service]), Permission::StartRollout));
        assert!(!holds(&caller("notifier", Kind::Service, &[Role::Service]), Permission::StartRollout));
        assert!(!holds(&caller("release-planner", Kind::Human, &[Role::Operator]), Permission::StartRollout));
        assert!(holds(&caller("root", Kind::Human, &[Role::Admin]), Permission::StartRollout));
    }

    #[test]
    fn a_service_acts_with_the_roles_of_the_one_it_acts_for() {
        let mut planner = caller("release-planner", Kind::Service, &[Role::Service]);
        assert!(!holds(&planner, Permission::Operate));
        let principal = Principal { id: "alice".into(), kind: Kind::Human };
        planner.on_behalf_of = Some(OnBehalfOf { principal, roles: vec![Role::Operator] });
        assert!(holds(&planner, Permission::Operate));
        assert!(!holds(&planner, Permission::Override));
        let executor = caller("executor", Kind::Service, &[Role::Service]);
        assert!(holds(&executor, Permission::Emergency), "it hands the platform back");
    }

    #[test]
    fn a_bound_token_pushes_samples() {
        let mut pusher = caller("cart-ci", Kind::Service, &[]);
        assert!(!holds(&pusher, Permission::PushSamples));
        pusher.applications = vec!["cart".into()];
        assert!(holds(&pusher, Permission::PushSamples));
    }

    #[test]
    fn names_round_trip() {
        for role in
            [Role::Viewer, Role::Requester, Role::Approver, Role::Operator, Role::Admin, Role::Service]
        {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }
}
