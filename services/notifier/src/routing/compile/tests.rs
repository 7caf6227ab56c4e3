use bellwether_resource::error::Problem;
use tonic::Status;
use tonic_types::StatusExt as _;

use super::*;

fn parse(json: serde_json::Value) -> Result<Routing, Problem> {
    Routing::compile(serde_json::from_value(json).unwrap())
}

fn paths(json: serde_json::Value) -> Vec<String> {
    let status = Status::from(parse(json).unwrap_err());
    let details = status.get_error_details().bad_request().unwrap().clone();
    details.field_violations.into_iter().map(|violation| violation.field).collect()
}

#[test]
fn a_full_routing_compiles_with_inherited_receivers() {
    let routing = parse(serde_json::json!({
        "receivers": [
            {"name": "log", "log": {}},
            {"name": "ops", "webhook": {"url": "https://ops.example/hook", "timeout": "3s",
                "signingSecrets": [{"env": "OPS_KEY"}, {"file": "/run/ops"}]}, "rateLimit": {"perSecond": 2.0}},
        ],
        "route": {"receiver": "log", "routes": [
            {"receiver": "ops", "matchers": ["severity = critical"], "routes": [{"matchers": ["team=pay"]}]},
        ]},
    }))
    .unwrap();
    let ops = &routing.receivers["ops"];
    assert_eq!(ops.rate, Rate { per_second: 2.0, burst: 4.0 });
    let Channel::Webhook(webhook) = &ops.channel else { panic!("a webhook was given") };
    assert_eq!(webhook.timeout, Duration::from_secs(3));
    assert_eq!(webhook.secrets, [SecretRef::Env("OPS_KEY".into()), SecretRef::File("/run/ops".into())]);
    let labels = [("severity", "critical"), ("team", "pay")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let hits = routing.route(&labels.into());
    assert_eq!(hits[0].receiver, "ops", "inherited from the parent");
    assert_eq!(hits[0].path, [0, 0]);
}

#[test]
fn every_violation_is_reported_at_once() {
    let found = paths(serde_json::json!({
        "receivers": [
            {"name": "Ops", "webhook": {"url": "ftp://x", "timeout": "90s", "signingSecrets": [{"env": "whsec_x="}]}},
            {"name": "none"},
            {"name": "slow", "log": {}, "rateLimit": {"perSecond": 0.0}},
        ],
        "route": {"matchers": ["a=b"], "routes": [{"receiver": "gone", "matchers": ["a=~("]}]},
    }));
    assert_eq!(
        found,
        [
            "receivers[0].name",
            "receivers[0].webhook.timeout",
            "receivers[0].webhook.signing_secrets[0]",
            "receivers[0].webhook.url",
            "receivers[1].log or webhook",
            "receivers[2].rate_limit.per_second",
            "route.receiver",
            "route",
            "route.routes[0].matchers[0]",
            "route",
        ]
    );
}

#[test]
fn urls_with_credentials_are_refused() {
    let found = paths(serde_json::json!({
        "receivers": [{"name": "a", "webhook": {"url": "https://user:secret@example.org/"}}],
        "route": {"receiver": "a"},
    }));
    assert_eq!(found, ["receivers[0].webhook.url"]);
}

#[test]
fn depth_is_bounded() {
    let mut route = serde_json::json!({"receiver": "log"});
    for _ in 0..16 {
        route = serde_json::json!({"receiver": "log", "routes": [route]});
    }
    let found = paths(serde_json::json!({"receivers": [{"name": "log", "log": {}}], "route": route}));
    assert_eq!(found.len(), 1);
    assert!(found[0].ends_with(".routes"));
}

#[test]
fn debug_output_holds_no_path_of_a_url() {
    let routing = parse(serde_json::json!({
        "receivers": [{"name": "a", "webhook": {"url": "https://hooks.example/T0/B0/token"}}],
        "route": {"receiver": "a"},
    }))
    .unwrap();
    assert!(!format!("{:?}", routing.receivers).contains("token"));
}
