//! From a wish to what is.

use std::time::Duration;

use bellwether_proto::{
    agent::v1::{ConvergeRequest, HandBackRequest, RouteRequest, TakeOverRequest},
    executor::v1::Share,
};

use crate::kit::{Agent, Client, Load, TARGET, ready};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_from_start_to_removal_fails_no_request() {
    let mut agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", 4);
    load.more(100).await;
    agent.fleet("candidate", 2);
    agent.converge().await;
    agent.until_ready("candidate", 2).await;
    for percent in [10.0, 50.0, 100.0] {
        agent.split(&[("stable", 100.0 - percent), ("candidate", percent)]);
        let observed = agent.converge().await;
        let route = observed.route.unwrap();
        assert_eq!(
            (route.revision, route.split[1].percent),
            (agent.desired.route.as_ref().unwrap().revision, percent)
        );
        load.more(100).await;
    }
    agent.split(&[("candidate", 100.0)]);
    agent.drain("stable", Duration::from_secs(10));
    agent.converge().await;
    let observed = agent.until("the drain", |observed| observed.drained_fleets == ["stable"]).await;
    assert_eq!(observed.cut_by_drain["stable"], 0);
    agent.desired.fleets.remove(0);
    agent.desired.drains.clear();
    agent.converge().await;
    agent.until("the removal", |observed| observed.instances.len() == 2).await;
    load.more(100).await;
    load.stop().await.assert_all_well();
}

#[tokio::test]
async fn the_generation_is_echoed_when_it_is_applied() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    let observed = agent.converge().await;
    assert_eq!((observed.generation, observed.epoch), (agent.generation, 1));
}

#[tokio::test]
async fn a_count_that_changes_is_followed() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    agent.desired.fleets[0].count = 3;
    agent.converge().await;
    agent.until_ready("stable", 3).await;
    agent.desired.fleets[0].count = 1;
    agent.converge().await;
    agent.until("one instance", |observed| observed.instances.len() == 1).await;
    assert_eq!(agent.instances().len(), 1);
}

#[tokio::test]
async fn a_lower_fence_and_a_foreign_journal_are_refused() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    agent.converge().await;
    let mut low = agent.fence();
    low.generation -= 1;
    let mut foreign = agent.fence();
    (foreign.journal_id, foreign.epoch) = ("another".into(), 99);
    for (fence, reason) in [(low, "FENCE_STALE"), (foreign, "TARGET_FOREIGN")] {
        let request = ConvergeRequest { fence: Some(fence), desired: Some(agent.desired.clone()) };
        let status = agent.client.converge(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::FailedPrecondition);
        assert!(String::from_utf8_lossy(status.details()).contains(reason), "{status:?}");
    }
    assert_eq!(agent.observe().await.generation, agent.generation);
}

#[tokio::test]
async fn a_route_alone_is_confirmed() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    agent.fleet("candidate", 1);
    agent.converge().await;
    agent.until_ready("candidate", 1).await;
    let mut route = agent.desired.route.clone().unwrap();
    route.revision += 1;
    route.split = vec![Share { fleet: "candidate".into(), percent: 100.0 }];
    agent.generation += 1;
    let request =
        RouteRequest { fence: Some(agent.fence()), target: TARGET.into(), route: Some(route.clone()) };
    let confirmed = agent.client.route(request).await.unwrap().into_inner().route.unwrap();
    assert_eq!((confirmed.revision, &confirmed.split), (route.revision, &route.split));
    assert_eq!(Client::new(agent.ingress).get("/").await.1, "candidate");
}

#[tokio::test]
async fn who_takes_over_keeps_the_traffic_until_it_is_handed_back() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    agent.fleet("candidate", 1);
    agent.desired.stable_fleet = "stable".into();
    agent.split(&[("candidate", 100.0)]);
    agent.converge().await;
    agent.until_ready("candidate", 1).await;
    let request = TakeOverRequest { target: TARGET.into(), fleet: String::new(), reason: "it burns".into() };
    agent.client.take_over(request).await.unwrap();
    let http = Client::new(agent.ingress);
    assert_eq!(http.get("/").await.1, "stable");
    // also after a restart
    agent.end_supervisor(rustix::process::Signal::KILL);
    agent.start_supervisor().await;
    agent.generation += 1;
    let request = ConvergeRequest { fence: Some(agent.fence()), desired: Some(agent.desired.clone()) };
    let status = agent.client.converge(request).await.unwrap_err();
    assert!(String::from_utf8_lossy(status.details()).contains("TAKEN_OVER"), "{status:?}");
    let observed = agent.observe().await;
    assert_eq!((observed.taken_over, observed.taken_over_reason.as_str()), (true, "it burns"));
    let request = HandBackRequest { target: TARGET.into(), reason: "it is out".into() };
    agent.client.hand_back(request).await.unwrap();
    assert_eq!(http.get("/").await.1, "stable", "not back to the candidate by itself");
    agent.converge().await;
    assert_eq!(http.get("/").await.1, "candidate");
}

#[tokio::test]
async fn an_address_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut agent = Agent::start().await;
    agent.fleet("stable", 1);
    agent.desired.ingress[0].listen = taken.local_addr().unwrap().to_string();
    agent.converge().await;
    let observed = agent.until("the problem", |observed| !observed.problems.is_empty()).await;
    assert_eq!(observed.problems[0].code, "PORT_IN_USE");
    drop(taken);
    agent
        .until("the problem's end", |observed| observed.problems.is_empty() && ready(observed, "stable") == 1)
        .await;
}

#[tokio::test]
async fn bad_input_changes_nothing_and_names_every_field() {
    let mut agent = Agent::start().await;
    agent.fleet("stable", -1);
    agent.desired.fleets[0].spec = None;
    agent.split(&[("stable", 70.0)]);
    let request = ConvergeRequest { fence: Some(agent.fence()), desired: Some(agent.desired.clone()) };
    let status = agent.client.converge(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    let details = String::from_utf8_lossy(status.details()).into_owned();
    for field in ["desired.fleets[0].count", "desired.fleets[0].spec", "desired.route.split"] {
        assert!(details.contains(field), "{field}: {details}");
    }
}
