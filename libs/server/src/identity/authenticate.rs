//! From a request's connection and headers to its caller.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, header, request::Parts, uri::Authority};
use tonic::Code;

use super::{Caller, Identities, Kind, OnBehalfOf, Principal};
use crate::{Refusal, Role};

/// Metadata: the name under which a holder of the service token calls, e.g. `release-planner`.
pub const SERVICE_NAME: &str = "bellwether-service";
/// Metadata: for whom a service acts, `<kind>/<id>`, e.g. `human/alice`.
pub const ACTING_FOR: &str = "bellwether-on-behalf-of";
/// Metadata: that one's roles, separated by commas.
pub const ACTING_ROLES: &str = "bellwether-on-behalf-of-roles";

/// Who may call itself what with the service token.
const SERVICES: &[&str] = &["release-planner", "executor", "health-monitor", "notifier", "agent", "cli"];
/// A request with one of these came through a proxy: where it really comes from is unknown.
const FORWARDED: &[&str] = &["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// The other end of a connection; in the extensions of its requests.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address.
    pub remote: SocketAddr,
    /// Whether both ends are on this machine's loopback.
    pub loopback: bool,
}

/// Establishes who calls.
///
/// A bearer token decides where one is given. Without one a caller on loopback is `local`, unless the request came
/// through a proxy or was addressed to another host name (a browser that was led here by DNS).
///
/// # Errors
/// UNAUTHENTICATED `NO_IDENTITY` or `TOKEN_UNKNOWN`; PERMISSION_DENIED `ACTING_NOT_ALLOWED`; INVALID_ARGUMENT
/// `ACTING_MALFORMED`.
pub fn authenticate(identities: &Identities, peer: Peer, request: &Parts) -> Result<Caller, Refusal> {
    let headers = &request.headers;
    let (caller, acts_for_others) = match bearer(headers)? {
        Some(secret) => by_token(identities, peer, headers, secret)?,
        None if peer.loopback && is_direct(request) => (Caller::local(), false),
        None => return Err(no_identity()),
    };
    let on_behalf_of = acting_for(headers)?;
    if on_behalf_of.is_some() && !acts_for_others {
        let message = format!("{} may not act for others", caller.principal.id);
        return Err(Refusal::new(Code::PermissionDenied, "ACTING_NOT_ALLOWED", message)
            .remedy("drop the metadata bellwether-on-behalf-of, or use a token with acts_for_others"));
    }
    Ok(Caller { on_behalf_of, ..caller })
}

fn by_token(
    identities: &Identities,
    peer: Peer,
    headers: &HeaderMap,
    secret: &str,
) -> Result<(Caller, bool), Refusal> {
    let service = text(headers, SERVICE_NAME).filter(|name| SERVICES.contains(name)).unwrap_or("service");
    let token = identities.find(secret, service).ok_or_else(|| {
        Refusal::new(Code::Unauthenticated, "TOKEN_UNKNOWN", "the bearer token is not known here").remedy(
            "check BELLWETHER_TOKEN; tokens are listed by `bellwether token list`, made by `bellwether token create`",
        )
    })?;
    let caller = Caller {
        principal: Principal { id: token.principal.clone(), kind: token.kind },
        roles: token.roles.clone(),
        team: token.team.clone(),
        applications: token.applications.clone(),
        on_behalf_of: None,
        loopback: peer.loopback,
    };
    Ok((caller, token.acts_for_others))
}

fn no_identity() -> Refusal {
    Refusal::new(Code::Unauthenticated, "NO_IDENTITY", "the call carries no identity").remedy(
        "create a token on the server's machine with `bellwether token create NAME --role viewer`, then set BELLWETHER_TOKEN",
    )
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        _ => Err(Refusal::new(Code::Unauthenticated, "TOKEN_UNKNOWN", "authorization is not a bearer token")
            .remedy("send the metadata `authorization: Bearer <token>`")),
    }
}

fn acting_for(headers: &HeaderMap) -> Result<Option<OnBehalfOf>, Refusal> {
    let Some(value) = headers.get(ACTING_FOR) else { return Ok(None) };
    let malformed = || {
        Refusal::new(Code::InvalidArgument, "ACTING_MALFORMED", "bellwether-on-behalf-of is malformed")
            .remedy("send `<human|agent|service|local>/<name>`")
    };
    let (kind, id) = value.to_str().ok().and_then(|value| value.split_once('/')).ok_or_else(malformed)?;
    let kind = match kind {
        "human" => Kind::Human,
        "agent" => Kind::Agent,
        "service" => Kind::Service,
        "local" => Kind::Local,
        _ => return Err(malformed()),
    };
    let roles = text(headers, ACTING_ROLES).unwrap_or_default();
    let roles = roles.split(',').filter(|role| !role.is_empty()).map(Role::parse).collect::<Option<_>>();
    let principal = Principal { id: id.to_owned(), kind };
    Ok(Some(OnBehalfOf { principal, roles: roles.ok_or_else(malformed)? }))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Addressed to this machine by a name of this machine, and not handed on by a proxy.
fn is_direct(request: &Parts) -> bool {
    if FORWARDED.iter().any(|name| request.headers.contains_key(*name)) {
        return false;
    }
    let host = text(&request.headers, header::HOST.as_str()).and_then(|host| host.parse().ok());
    let authority: Option<Authority> = request.uri.authority().cloned().or(host);
    authority.is_none_or(|authority| is_local_name(authority.host()))
}

fn is_local_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || bare.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
#[path = "authenticate_tests.rs"]
mod tests;
