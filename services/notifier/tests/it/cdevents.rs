//! The CDEvents that are sent, against the specification's schemas.

use std::{fs, path::Path};

use bellwether_notifier::{
    message::{CdEvent, CdKind, Class, Message, render},
    outbox::State,
};
use jsonschema::{Registry, Validator};
use serde_json::{Value, json};

use crate::{
    receiver::Receiver,
    rig::{Rig, fact},
};

fn load(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cdevents").join(name);
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn validator(name: &str) -> Validator {
    let parts = ["embeddedlinksarray", "embeddedlinkend", "embeddedlinkpath", "embeddedlinkrelation"];
    let parts = parts.map(|part| load(&format!("links/{part}.json")));
    let registry = parts.iter().fold(Registry::new(), |registry, part| {
        registry.add(part["$id"].as_str().unwrap(), part.clone()).unwrap()
    });
    let registry = registry.prepare().unwrap();
    let options = jsonschema::options().should_validate_formats(true).offline().with_registry(&registry);
    options.build(&load(name)).unwrap()
}

fn message(kind: CdKind) -> Message {
    let event = CdEvent {
        kind,
        service: "shop".into(),
        environment: "production".into(),
        artifact: "pkg:generic/shop@1.4.2?checksum=sha256:ab12".into(),
        description: "needs an operator".into(),
        chain: "releases/0198".into(),
    };
    Message { cdevent: Some(event), ..fact(1, "rollouts/1", Class::Terminal) }
}

#[test]
fn n10_every_cdevent_is_valid() {
    for (kind, schema) in [
        (CdKind::ServiceDeployed, "servicedeployed.json"),
        (CdKind::ServiceUpgraded, "serviceupgraded.json"),
        (CdKind::ServiceRolledBack, "servicerolledback.json"),
        (CdKind::ServiceRemoved, "serviceremoved.json"),
        (CdKind::IncidentDetected, "incidentdetected.json"),
    ] {
        let cloudevent: Value = serde_json::from_slice(&render(&message(kind))).unwrap();
        let event = &cloudevent["data"];
        let errors: Vec<_> = validator(schema).iter_errors(event).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{schema}: {errors:?}");
        let (context, outer) = (&event["context"], &cloudevent);
        assert_eq!((&context["id"], &context["type"]), (&outer["id"], &outer["type"]));
        assert_eq!((&context["source"], &context["timestamp"]), (&outer["source"], &outer["time"]));
        assert_eq!(event["subject"]["id"], outer["subject"]);
    }
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let mut event: Value = serde_json::from_slice(&render(&message(CdKind::ServiceUpgraded))).unwrap();
    let validator = validator("serviceupgraded.json");
    assert!(validator.is_valid(&event["data"]));
    event["data"]["subject"]["content"]["artifactId"] = json!("");
    assert!(!validator.is_valid(&event["data"]));
}

#[tokio::test]
async fn a_webhook_gets_a_cloudevent() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({})).await;
    running.tell(fact(7, "rollouts/1", Class::Progress)).await;
    running.newest_is(State::Delivered).await;
    let event = receiver.wait(1).await[0].json();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "dev.bellwether.rollout_step_started");
    assert_eq!(event["source"], "/bellwether/executor");
    assert_eq!(event["subject"], "rollouts/1");
    assert_eq!(event["time"], "2026-03-01T12:00:07Z");
    assert_eq!(event["data"]["labels"]["class"], "progress");
    running.stop().await;
}
