//! From a request's connection and headers to its caller.

use std::net::{IpAddr, SocketAddr};

use bellwether_proto::metadata::{ACTING_FOR, ACTING_ROLES, SERVICE_NAME};
use http::{HeaderMap, header, request::Parts, uri::Authority};
use tonic::Status;

use super::{Caller, Identities, OnBehalfOf, Principal};
use crate::{ACTING_MALFORMED, ACTING_NOT_ALLOWED, NO_IDENTITY, Role, TOKEN_UNKNOWN};

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
pub fn authenticate(identities: &Identities, peer: Peer, request: &Parts) -> Result<Caller, Status> {
    let headers = &request.headers;
    let (caller, acts_for_others) = match bearer(headers)? {
        Some(secret) => by_token(identities, peer, headers, secret)?,
        None if peer.loopback && is_direct(request) => (Caller::local(), false),
        None => return Err(NO_IDENTITY.because("the call carries no identity").into()),
    };
    let on_behalf_of = acting_for(headers)?;
    if on_behalf_of.is_some() && !acts_for_others {
        let message = format!("{} may not act for others", caller.principal.id);
        return Err(ACTING_NOT_ALLOWED.because(message).into());
    }
    Ok(Caller { on_behalf_of, ..caller })
}

fn by_token(
    identities: &Identities,
    peer: Peer,
    headers: &HeaderMap,
    secret: &str,
) -> Result<(Caller, bool), Status> {
    let service = text(headers, SERVICE_NAME).filter(|name| SERVICES.contains(name)).unwrap_or("service");
    let token = identities
        .find(secret, service)
        .ok_or_else(|| TOKEN_UNKNOWN.because("the bearer token is not known here"))?;
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

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Status> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(secret.trim())),
        _ => Err(TOKEN_UNKNOWN.because("authorization is not a bearer token").into()),
    }
}

fn acting_for(headers: &HeaderMap) -> Result<Option<OnBehalfOf>, Status> {
    let Some(value) = headers.get(ACTING_FOR) else { return Ok(None) };
    let malformed = || ACTING_MALFORMED.because("bellwether-on-behalf-of is malformed");
    let principal: Principal =
        value.to_str().ok().and_then(|value| value.parse().ok()).ok_or_else(malformed)?;
    let roles = text(headers, ACTING_ROLES).unwrap_or_default();
    let roles = roles.split(',').filter(|role| !role.is_empty()).map(Role::parse).collect::<Option<_>>();
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
