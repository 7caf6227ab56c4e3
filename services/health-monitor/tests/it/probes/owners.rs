//! Who may make probes, and of whom.

use std::path::Path;

use bellwether_clock::Env;
use bellwether_proto::monitor::v1 as pb;
use bellwether_server::{Kind, Role, Token, TokenFile, secret_hash};
use tonic::{Code, Request};

use super::given::{list, tcp};
use crate::harness::{Process, place, refusal};

/// A person with a token of the same name.
fn person(name: &str, role: Role, application: &str) -> Token {
    Token {
        principal: name.into(),
        kind: Kind::Human,
        sha256: secret_hash(name),
        roles: vec![role],
        team: None,
        applications: vec![application.into()],
        acts_for_others: false,
    }
}

fn keep(dir: &Path) {
    let tokens = vec![
        person("shopkeeper", Role::Admin, "shop"),
        person("carter", Role::Admin, "cart"),
        person("onlooker", Role::Viewer, "shop"),
    ];
    TokenFile { tokens }.write(&dir.join("tokens.toml")).unwrap();
}

fn of<T>(person: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {person}").parse().unwrap());
    request
}

fn apply(person: &str, probe: pb::Probe) -> Request<pb::ApplyProbeRequest> {
    of(person, pb::ApplyProbeRequest { probe: Some(probe), ..Default::default() })
}

#[tokio::test]
async fn a_probe_belongs_to_whoever_may_touch_its_application() {
    let dir = place();
    keep(dir.path());
    let mut monitor = Process::start(dir.path(), Env::system()).await;
    let client = &mut monitor.client;
    let of_shop = tcp("alive", "127.0.0.1:1".parse().unwrap());
    let of_cart = pb::Probe { application: "cart".into(), ..of_shop.clone() };
    let refused = client.apply_probe(apply("onlooker", of_shop.clone())).await.unwrap_err();
    assert_eq!((refused.code(), refusal(&refused).0.as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
    let refused = client.apply_probe(apply("carter", of_shop.clone())).await.unwrap_err();
    assert_eq!(refusal(&refused).0, "OUT_OF_SCOPE");
    client.apply_probe(apply("shopkeeper", of_shop)).await.unwrap();
    // one that is another's is not made one's own by naming one's own application
    let refused = client.apply_probe(apply("carter", of_cart)).await.unwrap_err();
    assert_eq!(refusal(&refused).0, "OUT_OF_SCOPE");
    let delete = pb::DeleteProbeRequest { name: "alive".into(), reason: "mine".into(), ..Default::default() };
    let refused = client.delete_probe(of("carter", delete.clone())).await.unwrap_err();
    assert_eq!(refusal(&refused).0, "OUT_OF_SCOPE");
    assert_eq!(list(client).await[0].application, "shop");
    client.delete_probe(of("shopkeeper", delete)).await.unwrap();
    monitor.stop().await;
}
