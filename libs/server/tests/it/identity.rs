//! Tokens, permissions, acting for others, as a client sees them.

use std::{fs, time::Duration};

use bellwether_proto::metadata::{ACTING_FOR, ACTING_ROLES, SERVICE_NAME};
use bellwether_server::{Kind, Role, Token, TokenFile, secret_hash};
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{Running, reason, request, start, unary, with_token};

fn token(secret: &str, roles: &[Role]) -> Token {
    Token {
        principal: secret.to_owned(),
        kind: Kind::Human,
        sha256: secret_hash(secret),
        roles: roles.to_vec(),
        team: None,
        applications: Vec::new(),
        acts_for_others: false,
    }
}

async fn start_with_tokens() -> Running {
    let tokens = vec![token("vera", &[Role::Viewer]), token("olga", &[Role::Operator])];
    start(|config| TokenFile { tokens }.write(config.identity.tokens.as_ref().unwrap()).unwrap()).await
}

#[tokio::test]
async fn roles_decide() {
    let server = start_with_tokens().await;
    let channel = server.channel().await;
    assert_eq!(unary(&channel, "Change", request(b"")).await.unwrap().into_inner(), b"local");
    assert_eq!(
        unary(&channel, "Change", with_token(request(b""), "olga")).await.unwrap().into_inner(),
        b"olga"
    );
    assert!(unary(&channel, "Echo", with_token(request(b""), "vera")).await.is_ok());
    let status = unary(&channel, "Change", with_token(request(b""), "vera")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
    assert!(status.message().contains("PERMISSION_OPERATE"), "{}", status.message());
    let status = unary(&channel, "Echo", with_token(request(b""), "nobody")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, "TOKEN_UNKNOWN"));
    let remedy = status.get_details_error_info().unwrap().metadata["remedy"].clone();
    assert!(remedy.contains("bellwether token create"), "{remedy}");
    server.stop().await;
}

#[tokio::test]
async fn a_method_without_a_permission_is_for_nobody() {
    let server = start_with_tokens().await;
    let status = unary(&server.channel().await, "Forgotten", request(b"")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    server.stop().await;
}

#[tokio::test]
async fn tokens_are_read_again() {
    let server = start_with_tokens().await;
    let channel = server.channel().await;
    let path = server.dir.path().join("tokens.toml");
    fs::write(&path, "nonsense").unwrap();
    assert!(unary(&channel, "Echo", with_token(request(b""), "vera")).await.is_ok());
    TokenFile { tokens: vec![token("nina", &[Role::Viewer])] }.write(&path).unwrap();
    let mut every = tokio::time::interval(Duration::from_millis(5));
    while unary(&channel, "Echo", with_token(request(b""), "nina")).await.is_err() {
        every.tick().await;
    }
    assert!(unary(&channel, "Echo", with_token(request(b""), "vera")).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_service_acts_for_a_person_with_that_persons_roles() {
    let server = start_with_tokens().await;
    let channel = server.channel().await;
    let secret = fs::read_to_string(server.dir.path().join("service.token")).unwrap();
    let plain = || {
        let mut request = with_token(request(b""), &secret);
        request.metadata_mut().insert(SERVICE_NAME, "release-planner".parse().unwrap());
        request
    };
    assert_eq!(unary(&channel, "Change", plain()).await.unwrap_err().code(), Code::PermissionDenied);
    let mut acting = plain();
    acting.metadata_mut().insert(ACTING_FOR, "human/olga".parse().unwrap());
    acting.metadata_mut().insert(ACTING_ROLES, "operator".parse().unwrap());
    assert_eq!(unary(&channel, "Change", acting).await.unwrap().into_inner(), b"olga");
    server.stop().await;
}
