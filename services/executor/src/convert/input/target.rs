//! What a target is.

use std::net::SocketAddr;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Ingress, Port, Protocol, TargetSpec, Tls};

use crate::convert::{fields::Fields, names};

/// The target. `platforms` and `routers`: the names that this executor knows; the first platform is the default.
pub(crate) fn target_spec(
    fields: &Fields<'_>,
    given: &pb::Target,
    platforms: &[String],
    routers: &[String],
) -> TargetSpec {
    let name = names::target(fields, "name", &given.name);
    let metadata = given.metadata.clone().unwrap_or_default();
    fields.team("metadata.team", &metadata.team);
    fields.labels("metadata.labels", &metadata.labels);
    fields.at_most("ingress", given.ingress.len(), 16);
    TargetSpec {
        name,
        team: metadata.team,
        labels: metadata.labels.into_iter().collect(),
        instances: fields.count("instances", given.instances, 1..=10_000),
        platform: if given.platform.is_empty() {
            platforms.first().cloned().unwrap_or_default()
        } else {
            driver(fields, "platform", &given.platform, platforms)
        },
        router: driver(fields, "router", &given.router, routers),
        ports: vec![Port { name: "http".into(), protocol: Protocol::Http, env: String::new() }],
        ingress: given
            .ingress
            .iter()
            .enumerate()
            .map(|(at, it)| ingress(&fields.nth("ingress", at), it))
            .collect(),
        preview: given.preview.as_ref().map(|it| preview(&fields.at("preview"), it)),
        platform_config: serde_json::Value::Null,
    }
}

/// One of the names, or nothing.
fn driver(fields: &Fields<'_>, name: &'static str, given: &str, known: &[String]) -> String {
    if !given.is_empty() && !known.iter().any(|driver| driver == given) {
        fields.refuse(name, format!("{given:?}"), format!("one of {}", known.join(", ")));
    }
    given.to_owned()
}

fn ingress(fields: &Fields<'_>, given: &pb::Ingress) -> Ingress {
    if given.listen.parse::<SocketAddr>().is_err() {
        fields.refuse("listen", &given.listen, "an address with port, like 127.0.0.1:8080");
    }
    fields.text("host", &given.host, 253);
    if !given.path_prefix.is_empty() && !given.path_prefix.starts_with('/') {
        fields.refuse("path_prefix", &given.path_prefix, "a path that starts with /");
    }
    if !given.header.is_empty() && !given.header.contains(':') {
        fields.refuse("header", &given.header, "name: value");
    }
    fields.read(|violations| {
        violations.token("session_cookie", &given.session_cookie);
        violations.token("session_header", &given.session_header);
        violations.own_header("version_header", &given.version_header);
    });
    if !given.session_cookie.is_empty() && !given.session_header.is_empty() {
        fields.refuse("session_header", &given.session_header, "a cookie or a header");
    }
    let (certificate, key) = (&given.tls_certificate_file, &given.tls_key_file);
    if certificate.is_empty() != key.is_empty() {
        fields.refuse("tls_key_file", key, "certificate and key together");
    }
    let tls = Tls { certificate_file: certificate.clone(), key_file: key.clone() };
    Ingress {
        listen: given.listen.clone(),
        host: given.host.clone(),
        path: given.path_prefix.clone(),
        header: given.header.clone(),
        port: String::new(),
        tls: (!certificate.is_empty()).then_some(tls),
        session_cookie: given.session_cookie.clone(),
        session_header: given.session_header.clone(),
        version_header: given.version_header.clone(),
    }
}

/// What testers use: its sessions are no users', and its answers have the header of the ingress.
fn preview(fields: &Fields<'_>, given: &pb::Ingress) -> Ingress {
    for (field, value) in [
        ("session_cookie", &given.session_cookie),
        ("session_header", &given.session_header),
        ("version_header", &given.version_header),
    ] {
        if !value.is_empty() {
            fields.refuse(field, value, "nothing: it belongs to an ingress");
        }
    }
    ingress(fields, given)
}
