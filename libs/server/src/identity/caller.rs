//! Who calls.

use std::{fmt, str::FromStr};

use bellwether_proto::common::v1 as pb;
use http::Extensions;
use serde::{Deserialize, Serialize};
use tonic::Status;

use crate::{NO_IDENTITY, OUT_OF_SCOPE, Role};

/// What kind of principal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Kind {
    /// A person.
    Human,
    /// An agent that acts by itself.
    Agent,
    /// A service or a machine.
    Service,
    /// Whoever is on this machine: loopback without a token.
    #[serde(skip)]
    Local,
}

/// A name with its kind; taken from the transport, never from a payload.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The name of its token, or `local`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
}

/// For whom a service acts, as that service has established it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnBehalfOf {
    /// The one who asked the service.
    pub principal: Principal,
    /// Its roles at the service that was asked.
    pub roles: Vec<Role>,
}

/// The caller of one request; in the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who sent the request.
    pub principal: Principal,
    /// Its roles; `local` has none and may do everything.
    pub roles: Vec<Role>,
    /// The team that its token is bound to; none: every team.
    pub team: Option<String>,
    /// The applications that its token is bound to; empty: every application.
    pub applications: Vec<String>,
    /// For whom it acts.
    pub on_behalf_of: Option<OnBehalfOf>,
    /// Whether the connection came from this machine.
    pub loopback: bool,
}

// === impl Kind ===

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
            Self::Service => "service",
            Self::Local => "local",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Human, Self::Agent, Self::Service, Self::Local].into_iter().find(|kind| kind.as_str() == text)
    }
}

// === impl Principal ===

impl Principal {
    /// Whoever is on this machine.
    pub fn local() -> Self {
        Self { id: "local".to_owned(), kind: Kind::Local }
    }
}

impl fmt::Display for Principal {
    /// `<kind>/<id>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.id)
    }
}

impl FromStr for Principal {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (kind, id) = text.split_once('/').ok_or(())?;
        Ok(Self { id: id.to_owned(), kind: Kind::parse(kind).ok_or(())? })
    }
}

impl From<&Principal> for pb::Principal {
    fn from(principal: &Principal) -> Self {
        use pb::principal::Kind as Pb;
        let kind = match principal.kind {
            Kind::Human => Pb::Human,
            Kind::Agent => Pb::Agent,
            Kind::Service => Pb::Service,
            Kind::Local => Pb::Local,
        };
        Self { id: principal.id.clone(), kind: kind.into() }
    }
}

// === impl Caller ===

impl Caller {
    /// Whoever is on this machine.
    pub fn local() -> Self {
        Self {
            principal: Principal::local(),
            roles: Vec::new(),
            team: None,
            applications: Vec::new(),
            on_behalf_of: None,
            loopback: true,
        }
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// UNAUTHENTICATED where the request did not come through a [`Server`](crate::Server).
    pub fn of(extensions: &Extensions) -> Result<Self, Status> {
        extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(|| NO_IDENTITY.because("the request carries no identity").into())
    }

    /// Who is answerable: the one it acts for, else itself. Records, audit and four eyes name this one.
    pub fn actor(&self) -> &Principal {
        self.on_behalf_of.as_ref().map_or(&self.principal, |other| &other.principal)
    }

    /// How a service says for whom it acts when it calls another: `<kind>/<id>` and that one's roles, for the metadata
    /// `bellwether-on-behalf-of` and `bellwether-on-behalf-of-roles`.
    pub fn acting(&self) -> (String, String) {
        let roles = self.on_behalf_of.as_ref().map_or(&self.roles, |other| &other.roles);
        let roles: Vec<_> = roles.iter().map(|role| role.as_str()).collect();
        (self.actor().to_string(), roles.join(","))
    }

    /// Whether its token lets it touch this application of this team (empty: none).
    pub fn covers(&self, team: &str, application: &str) -> bool {
        let team = self.team.as_deref().is_none_or(|own| team.is_empty() || own == team);
        team && (self.applications.is_empty() || self.applications.iter().any(|own| own == application))
    }

    /// Refuses what its token is not bound to.
    ///
    /// # Errors
    /// PERMISSION_DENIED `OUT_OF_SCOPE`.
    pub fn require_scope(&self, team: &str, application: &str) -> Result<(), Status> {
        if self.covers(team, application) {
            return Ok(());
        }
        let message = format!("{} may not touch application {application:?}", self.principal.id);
        Err(OUT_OF_SCOPE.because(message).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_token_covers_only_its_own() {
        let caller =
            Caller { team: Some("shop".into()), applications: vec!["cart".into()], ..Caller::local() };
        assert!(caller.covers("shop", "cart"));
        assert!(caller.covers("", "cart"));
        assert!(!caller.covers("shop", "search"));
        assert!(!caller.covers("payments", "cart"));
        assert!(Caller::local().covers("payments", "cart"));
        assert_eq!(caller.require_scope("shop", "search").unwrap_err().code(), tonic::Code::PermissionDenied);
    }

    #[test]
    fn the_actor_is_whom_a_service_acts_for() {
        let alice = Principal { id: "alice".into(), kind: Kind::Human };
        let on_behalf_of = Some(OnBehalfOf { principal: alice.clone(), roles: vec![Role::Operator] });
        let caller = Caller { on_behalf_of, ..Caller::local() };
        assert_eq!(caller.actor(), &alice);
        assert_eq!(caller.acting(), ("human/alice".into(), "operator".into()));
        assert_eq!("human/alice".parse(), Ok(alice));
        assert_eq!(Caller::local().actor().id, "local");
    }
}
