use bellwether_clock::Env;
use http::Request;
use tonic::Code;
use tonic_types::StatusExt as _;

use super::*;
use crate::{IdentityFiles, Kind, Token, TokenFile, secret_hash};

const LOOPBACK: Peer =
    Peer { remote: SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9), loopback: true };
const REMOTE: Peer = Peer { loopback: false, ..LOOPBACK };

fn identities() -> (tempfile::TempDir, Identities, String) {
    let dir = tempfile::tempdir().unwrap();
    let files = IdentityFiles {
        tokens: Some(dir.path().join("tokens.toml")),
        service_token: Some(dir.path().join("service.token")),
    };
    let alice = Token {
        principal: "alice".into(),
        kind: Kind::Human,
        sha256: secret_hash("alices"),
        roles: vec![Role::Operator],
        team: Some("shop".into()),
        applications: Vec::new(),
        acts_for_others: false,
    };
    TokenFile { tokens: vec![alice] }.write(files.tokens.as_ref().unwrap()).unwrap();
    let identities = Identities::load(files.clone(), &Env::system()).unwrap();
    let secret = std::fs::read_to_string(files.service_token.unwrap()).unwrap();
    (dir, identities, secret)
}

fn call(peer: Peer, uri: &str, headers: &[(&str, &str)]) -> Result<Caller, (Code, String)> {
    let (_dir, identities, secret) = identities();
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, value.replace("SERVICE", &secret));
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    authenticate(&identities, peer, &parts)
        .map_err(|refusal| (refusal.code(), refusal.get_details_error_info().unwrap().reason))
}

fn refused(code: Code, reason: &str) -> Result<Caller, (Code, String)> {
    Err((code, reason.to_owned()))
}

#[test]
fn loopback_without_a_token_is_local() {
    for uri in ["http://127.0.0.1:1/a", "http://localhost/a", "http://[::1]:5/a", "/a"] {
        assert_eq!(call(LOOPBACK, uri, &[]).unwrap(), Caller::local(), "{uri}");
    }
}

#[test]
fn who_was_led_here_by_name_or_proxy_is_not_local() {
    let nobody = refused(Code::Unauthenticated, "NO_IDENTITY");
    assert_eq!(call(LOOPBACK, "http://evil.example/a", &[]), nobody);
    assert_eq!(call(LOOPBACK, "/a", &[("host", "evil.example:80")]), nobody);
    assert_eq!(call(LOOPBACK, "/a", &[("x-forwarded-for", "10.0.0.1")]), nobody);
    assert_eq!(call(REMOTE, "http://127.0.0.1/a", &[]), nobody);
}

#[test]
fn a_token_stands_for_its_principal() {
    let caller = call(REMOTE, "/a", &[("authorization", "Bearer alices")]).unwrap();
    assert_eq!(caller.principal, Principal { id: "alice".into(), kind: Kind::Human });
    assert_eq!((caller.team.as_deref(), caller.loopback), (Some("shop"), false));
}

#[test]
fn an_unknown_token_is_refused_on_loopback_too() {
    let unknown = refused(Code::Unauthenticated, "TOKEN_UNKNOWN");
    assert_eq!(call(LOOPBACK, "/a", &[("authorization", "Bearer nonsense")]), unknown);
    assert_eq!(call(LOOPBACK, "/a", &[("authorization", "Basic YTpi")]), unknown);
}

#[test]
fn a_service_says_its_name_and_for_whom_it_acts() {
    let headers = [
        ("authorization", "Bearer SERVICE"),
        (SERVICE_NAME, "release-planner"),
        (ACTING_FOR, "human/alice"),
        (ACTING_ROLES, "operator,approver"),
    ];
    let caller = call(REMOTE, "/a", &headers).unwrap();
    assert_eq!(caller.principal, Principal { id: "release-planner".into(), kind: Kind::Service });
    assert_eq!(caller.actor().id, "alice");
    assert_eq!(caller.on_behalf_of.unwrap().roles, [Role::Operator, Role::Approver]);
    let unnamed =
        call(REMOTE, "/a", &[("authorization", "Bearer SERVICE"), (SERVICE_NAME, "alice")]).unwrap();
    assert_eq!(unnamed.principal.id, "service");
}

#[test]
fn a_person_does_not_act_for_others() {
    let headers = [("authorization", "Bearer alices"), (ACTING_FOR, "human/bob")];
    assert_eq!(call(REMOTE, "/a", &headers), refused(Code::PermissionDenied, "ACTING_NOT_ALLOWED"));
    let malformed = refused(Code::InvalidArgument, "ACTING_MALFORMED");
    assert_eq!(call(LOOPBACK, "/a", &[(ACTING_FOR, "alice")]), malformed);
    assert_eq!(call(LOOPBACK, "/a", &[(ACTING_FOR, "human/a"), (ACTING_ROLES, "root")]), malformed);
    // `local` would count as a distinct human otherwise
    let forbidden = refused(Code::PermissionDenied, "ACTING_NOT_ALLOWED");
    assert_eq!(call(LOOPBACK, "/a", &[(ACTING_FOR, "human/bob")]), forbidden);
}

#[test]
fn a_reload_revokes() {
    let (dir, identities, _) = identities();
    let path = dir.path().join("tokens.toml");
    assert!(identities.find("alices", "service").is_some());
    std::fs::write(&path, "nonsense").unwrap();
    assert!(identities.reload().is_err());
    assert!(identities.find("alices", "service").is_some(), "a broken file changes nothing");
    std::fs::remove_file(&path).unwrap();
    identities.reload().unwrap();
    assert!(identities.find("alices", "service").is_none());
}
