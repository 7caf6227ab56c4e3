//! Ways in, rules, previews, affinity, mirror, journeys.

use bellwether_agent::gateway::{
    Affinity, HeaderMatch, Ingress, Journey, Mirror, Preview, PreviewBy, RequestMatch, Rule, Traffic,
    ValueMatch,
};
use http::{StatusCode, header};
use http_body_util::Full;

use crate::kit::{Client, Gateway, Instance, fleet, read, until};

async fn two() -> (Gateway, Client) {
    let (a, b) = (Instance::start("a").await, Instance::start("b").await);
    let gateway = Gateway::with(&[("stable", &[&a]), ("candidate", &[&b])], &[("stable", 100.0)]).await;
    let client = Client::new(gateway.listen);
    (gateway, client)
}

async fn with(client: &Client, name: &str, value: &str) -> String {
    read(client.send(client.request("/").header(name, value).body(Full::default()).unwrap()).await).await
}

#[tokio::test]
async fn a_header_sends_testers_to_the_candidate_and_nothing_is_left_behind() {
    let (mut gateway, client) = two().await;
    let headers = vec![HeaderMatch { name: "X-Tester".into(), value: ValueMatch::Exact("yes".into()) }];
    let requests = RequestMatch { headers, ..RequestMatch::default() };
    gateway.target().rules = vec![Rule { fleet: "candidate".into(), requests }];
    gateway.apply().await;
    assert_eq!(with(&client, "x-tester", "yes").await, "b");
    assert_eq!(with(&client, "x-tester", "no").await, "a");
    let samples = gateway.samples().await;
    assert!(
        samples
            .iter()
            .any(|it| it.key.traffic == Traffic::Matched && it.key.instance == "b" && it.requests == 1)
    );
    gateway.target().rules.clear();
    gateway.apply().await;
    assert_eq!(with(&client, "x-tester", "yes").await, "a");
}

#[tokio::test]
async fn previews_by_header_and_by_an_address_of_their_own() {
    let (mut gateway, client) = two().await;
    let second = gateway.second_socket().await;
    let by = PreviewBy::Header { name: "x-preview".into(), value: "1".into() };
    gateway.target().preview = vec![
        Preview { fleet: "candidate".into(), by },
        Preview { fleet: "candidate".into(), by: PreviewBy::Listen(second) },
    ];
    gateway.apply().await;
    assert_eq!(with(&client, "x-preview", "1").await, "b");
    assert_eq!(client.get("/").await.1, "a");
    assert_eq!(Client::new(second).get("/").await.1, "b");
}

#[tokio::test]
async fn sticky_clients_stay_through_every_weight_and_no_rule_is_left() {
    let (mut gateway, client) = two().await;
    let ttl = std::time::Duration::from_secs(60);
    gateway.target().affinity = Some(Affinity { cookie: "bw".into(), ttl });
    gateway.route(&[("stable", 50.0), ("candidate", 50.0)]).await;
    let mut cookies = std::collections::BTreeMap::new();
    while cookies.len() < 2 {
        let response = client.send(client.request("/").body(Full::default()).unwrap()).await;
        let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        cookies.insert(read(response).await, cookie);
    }
    for candidate in [10.0, 50.0, 99.0] {
        gateway.route(&[("stable", 100.0 - candidate), ("candidate", candidate)]).await;
        for (name, cookie) in &cookies {
            for _ in 0..5 {
                assert_eq!(with(&client, "cookie", cookie).await, *name, "at {candidate} %");
            }
        }
    }
    // taken back: who had the candidate gets what is there
    gateway.route(&[("stable", 100.0), ("candidate", 0.0)]).await;
    assert_eq!(with(&client, "cookie", &cookies["b"]).await, "a");
    gateway.target().affinity = None;
    gateway.route(&[("stable", 100.0)]).await;
    let response = client.send(client.request("/").body(Full::default()).unwrap()).await;
    assert!(!response.headers().contains_key(header::SET_COOKIE));
}

#[tokio::test]
async fn a_mirror_sends_copies_and_answers_from_stable_only() {
    let (mut gateway, client) = two().await;
    gateway.target().mirror =
        Some(Mirror { fleet: "candidate".into(), percent: 100.0, unsafe_methods: false });
    gateway.apply().await;
    for _ in 0..10 {
        assert_eq!(client.get("/status/500").await, (StatusCode::INTERNAL_SERVER_ERROR, "a\n".into()));
    }
    let request = client.request("/").method("DELETE").body(Full::default()).unwrap();
    assert_eq!(read(client.send(request).await).await, "a");
    let control = gateway.client.clone();
    let mirrored = || async {
        let samples = control.samples().await.unwrap().samples;
        let of_candidate =
            samples.iter().filter(|sample| sample.key.fleet == "candidate" && sample.requests > 0);
        of_candidate.map(|sample| (sample.key.traffic, sample.requests, sample.errors)).collect::<Vec<_>>()
    };
    until("the copies", || async { mirrored().await == [(Traffic::Mirrored, 10, 10)] }).await;
    // methods that change things only where that is allowed, with their bodies
    gateway.target().mirror.as_mut().unwrap().unsafe_methods = true;
    gateway.apply().await;
    let request = client.request("/echo").method("POST").body(Full::from("order")).unwrap();
    assert_eq!(read(client.send(request).await).await, "order");
    until("the copy", || async { mirrored().await == [(Traffic::Mirrored, 11, 10)] }).await;
}

#[tokio::test]
async fn host_and_path_share_a_listener() {
    let (mut gateway, client) = two().await;
    let b = Instance::start("c").await;
    let listen = gateway.listen;
    let ingress = |host: &str, path: &str| Ingress {
        listen,
        host: Some(host.to_owned()).filter(|host| !host.is_empty()),
        path_prefix: path.into(),
        tls: None,
        session: None,
        version_header: None,
    };
    let mut other = gateway.target().clone();
    gateway.target().ingress = vec![ingress("", "")];
    other.ingress = vec![ingress("", "/pay"), ingress("pay.example", "")];
    other.fleets = [("stable".to_owned(), fleet(&[&b]))].into();
    gateway.table.targets.insert("targets/pay@test".into(), other);
    gateway.apply().await;
    assert_eq!(client.get("/pay/now").await.1, "c");
    assert_eq!(client.get("/payment").await.1, "a");
    assert_eq!(with(&client, "host", "pay.example:80").await, "c");
}

#[tokio::test]
async fn journeys_are_counted_on_their_own() {
    let (mut gateway, client) = two().await;
    let requests = RequestMatch { path_prefix: "/status".into(), ..RequestMatch::default() };
    gateway.target().journeys = vec![Journey { name: "checkout".into(), requests }];
    gateway.route(&[("stable", 100.0)]).await;
    client.get("/").await;
    client.get("/status/500").await;
    client.get("/status/200").await;
    let samples = gateway.samples().await;
    let stable =
        samples.iter().find(|sample| sample.key.fleet == "stable" && sample.key.revision == 2).unwrap();
    let journey = &stable.journeys[0];
    assert_eq!((journey.name.as_str(), journey.requests, journey.errors), ("checkout", 2, 1));
    assert_eq!(stable.requests, 3);
}

#[tokio::test]
async fn answers_say_their_version_where_an_ingress_asks_for_it() {
    let (mut gateway, client) = two().await;
    let second = gateway.second_socket().await;
    let version = async |client: &Client, path: &str| {
        let response = client.send(client.request(path).body(Full::default()).unwrap()).await;
        response
            .headers()
            .get_all("x-served-by")
            .iter()
            .map(|it| it.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // the application says it by itself
    assert_eq!(version(&client, "/").await, ["a"]);
    let instances = gateway.target().fleets.values_mut().flat_map(|fleet| &mut fleet.instances);
    instances.for_each(|instance| instance.version = format!("version {}", instance.id));
    gateway.target().ingress[0].version_header = Some("X-Served-By".into());
    gateway.target().preview = vec![Preview { fleet: "candidate".into(), by: PreviewBy::Listen(second) }];
    gateway.apply().await;
    assert_eq!(version(&client, "/").await, ["version a"], "in place of the application's own");
    assert_eq!(version(&Client::http2(gateway.listen), "/status/404").await, ["version a"]);
    assert_eq!(version(&Client::new(second), "/").await, ["version b"], "a preview says it too");
    gateway.route(&[]).await;
    assert!(version(&client, "/").await.is_empty(), "the gateway's own answer is of no version");
    gateway.route(&[("candidate", 100.0)]).await;
    assert_eq!(version(&client, "/").await, ["version b"]);
    gateway.target().ingress[0].version_header = None;
    gateway.apply().await;
    assert_eq!(version(&client, "/").await, ["b"]);
}
