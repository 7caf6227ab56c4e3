//! Signatures, checked with another implementation of HMAC than the one that made them.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bellwether_notifier::{message::Class, outbox::State};
use serde_json::json;

use crate::{
    receiver::{Receiver, Seen},
    rig::{Rig, fact},
};

const OLD: [u8; 32] = [1; 32];
const NEW: [u8; 24] = [2; 24];

/// As the specification tells receivers to do it: any of the signatures may be the right one.
fn verifies(seen: &Seen, key: &[u8]) -> bool {
    let (id, timestamp) = (seen.header("webhook-id"), seen.header("webhook-timestamp"));
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", &seen.body].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    seen.header("webhook-signature").split(' ').any(|signature| {
        let mac = signature.strip_prefix("v1,").and_then(|mac| STANDARD.decode(mac).ok());
        mac.is_some_and(|mac| hmac::verify(&key, &signed, &mac).is_ok())
    })
}

fn secret(key: &[u8]) -> String {
    format!("whsec_{}\n", STANDARD.encode(key))
}

#[tokio::test]
async fn n10_signatures_verify_with_each_key_and_with_no_other() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    let (old, new) = (rig.dir.path().join("old"), rig.dir.path().join("new"));
    std::fs::write(&old, secret(&OLD)).unwrap();
    std::fs::write(&new, secret(&NEW)).unwrap();
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({"signingSecrets": [{"file": new}, {"file": old}]})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    let seen = receiver.wait(1).await.remove(0);
    assert!(verifies(&seen, &OLD) && verifies(&seen, &NEW));
    assert!(!verifies(&seen, &[3; 32]));
    let changed = Seen { body: b"{}".as_slice().into(), ..seen.clone() };
    assert!(!verifies(&changed, &OLD), "the body is signed");
    let age = seen.at.as_second() - seen.header("webhook-timestamp").parse::<i64>().unwrap();
    assert!((0..60).contains(&age), "the time is that of the attempt");
    assert_eq!(seen.header("content-type"), "application/cloudevents+json; charset=utf-8");
    running.stop().await;
}

#[tokio::test]
async fn a_rotated_file_is_read_at_the_next_attempt_and_a_missing_one_is_said() {
    let (rig, receiver) = (Rig::new(), Receiver::start([]).await);
    let file = rig.dir.path().join("key");
    let running = rig.start().await;
    running.route_to(&receiver.url(), json!({"signingSecrets": [{"file": file}]})).await;
    running.tell(fact(1, "rollouts/1", Class::Terminal)).await;
    let waiting = running.newest(|delivery| delivery.reason.is_some()).await;
    assert_eq!(waiting.reason.as_ref().unwrap().code, "SECRET_UNAVAILABLE");
    assert!(receiver.seen().is_empty(), "nothing goes out unsigned");
    std::fs::write(&file, secret(&NEW)).unwrap();
    running.newest_is(State::Delivered).await;
    assert!(verifies(&receiver.seen()[0], &NEW));
    running.stop().await;
}
