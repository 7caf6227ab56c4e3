//! From environment to environment, with people who approve and services that die.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{PROGRAM, observe::at, stage::tell};
use bellwether_client::Transport;
use bellwether_proto::{
    notifier::v1::{Delivery, ListDeliveriesRequest, delivery},
    planner::v1::{
        ApprovalRule, ApproveReleaseRequest, Environment, GetReleaseRequest, Release as Submitted,
        ReleaseEnvironment, release, release_planner_service_client::ReleasePlannerServiceClient,
    },
};
use bellwether_tests::{
    ports::free_address,
    receiver::Receiver,
    shop::{self, Release},
    stack::{Part, Setup, Stack},
    wait::{until, until_within},
};

const LINE: [&str; 3] = ["development", "staging", "production"];
const RPS: u32 = 150;

async fn deliveries(stack: &Stack) -> Vec<Delivery> {
    let request = ListDeliveriesRequest { page_size: 1000, ..Default::default() };
    stack.notifier().list_deliveries(request).await.unwrap().into_inner().deliveries
}

async fn get(stack: &Stack, name: &str) -> Submitted {
    let request = GetReleaseRequest { name: name.to_owned() };
    stack.planner().get_release(request).await.unwrap().into_inner().release.unwrap()
}

async fn completed(stack: &Stack, name: &str) -> Submitted {
    let done = until_within(2 * bellwether_tests::wait::DEADLINE, "the release is complete", || async {
        let release = get(stack, name).await;
        (release.state() == release::State::Completed).then_some(release)
    });
    match done.await {
        Ok(release) => release,
        Err(error) => panic!("{error}: {:#?}", get(stack, name).await.environments),
    }
}

/// The shop in the three environments, each behind the one before; where each is reached.
async fn line(stack: &Stack) -> BTreeMap<&'static str, std::net::SocketAddr> {
    let mut before = Vec::new();
    let mut fronts = BTreeMap::new();
    let mut deployments = HashMap::new();
    for name in LINE {
        let upstreams = std::mem::replace(&mut before, vec![name.to_owned()]);
        let environment = Environment { name: name.to_owned(), upstreams, ..Default::default() };
        shop::apply_environment(stack, environment).await.unwrap();
        let front = free_address().unwrap();
        fronts.insert(name, front);
        deployments.insert(name.to_owned(), shop::deployment(1, &front.to_string()));
    }
    shop::apply_to(stack, "shop", deployments).await.unwrap();
    fronts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x04_services_die_in_turn_through_a_promotion_and_everybody_is_told_once() {
    let mut stack = Stack::start(Setup::four(PROGRAM)).await.unwrap();
    let receiver = Receiver::start().await.unwrap();
    tell(&stack, &receiver).await;
    let fronts = line(&stack).await;
    let first = shop::submit(&stack, "shop", &Release::unjudged("1")).await.unwrap();
    completed(&stack, &first).await;

    let second = shop::submit(&stack, "shop", &Release::canary("2")).await.unwrap();
    let mut failed = 0;
    for (environment, part) in LINE.into_iter().zip([Part::Planner, Part::Monitor, Part::Notifier]) {
        let load = shop::load(&stack, fronts[environment], RPS);
        let target = format!("targets/shop@{environment}");
        let baking =
            |it: &bellwether_proto::executor::v1::Rollout| it.target == target && at(it) == ("BAKE", 50.0);
        shop::rollout_until(&stack, &second, baking).await.unwrap();
        stack.process_of(part).kill().unwrap();
        stack.again(part).await.unwrap();
        shop::rollout_until(&stack, &second, |it| it.target == target && it.end_time.is_some())
            .await
            .unwrap();
        failed += load.tally().failed;
    }
    let release = completed(&stack, &second).await;
    assert!(release.environments.iter().all(|it: &ReleaseEnvironment| it.approvals.is_empty()));
    assert_eq!(failed, 0, "no request failed");

    let settled = until("everything is delivered", || async {
        let all = deliveries(&stack).await;
        let complete = all.iter().any(|it| it.message.as_ref().unwrap().title.contains("is complete"));
        let open = all.iter().any(|it| it.state() == delivery::State::Pending);
        (complete && !open).then_some(all)
    });
    let all = settled.await.unwrap();
    let kept = receiver.kept();
    let sent: BTreeSet<_> = all
        .iter()
        .filter(|it| it.state() == delivery::State::Delivered)
        .map(|it| it.message_id.clone())
        .collect();
    assert!(all.iter().all(|it| it.state() != delivery::State::Dead), "{all:#?}");
    assert_eq!(sent, kept.keys().cloned().collect(), "what is recorded as delivered came, and nothing else");
    let mut events = BTreeSet::new();
    for (id, bodies) in &kept {
        assert!(bodies.iter().all(|body| body["id"] == bodies[0]["id"]), "one id, one message: {id}");
        assert!(events.insert(bodies[0]["id"].to_string()), "one fact, one id: {bodies:#?}");
    }
    let titles: Vec<String> = all.iter().map(|it| it.message.as_ref().unwrap().title.clone()).collect();
    for environment in LINE {
        let ended =
            |title: &&String| title.contains(&format!("shop@{environment}-2")) && title.contains("succeeded");
        assert_eq!(titles.iter().filter(ended).count(), 1, "{titles:#?}");
    }
}

/// Makes a token for somebody, and a planner's client that shows it.
async fn person(stack: &Stack, name: &str, role: &str) -> ReleasePlannerServiceClient<Transport> {
    let tokens = stack.data_dir().join("tokens.toml");
    let words =
        ["token", "create", name, "--role", role, "--role", "viewer", "--tokens", tokens.to_str().unwrap()];
    let (code, secret, errors) = stack.cli(&words).await.unwrap();
    assert_eq!(code, 0, "{errors}");
    let url = format!("http://{}", stack.address(Part::Planner).unwrap());
    let transport = Transport::builder(url).token(secret.trim()).build().unwrap();
    let client = ReleasePlannerServiceClient::new(transport);
    let known = until("the token is known", || async {
        client.clone().list_holds(bellwether_proto::planner::v1::ListHoldsRequest::default()).await.ok()
    });
    known.await.unwrap();
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x06_two_approvals_race_in_one_order_and_the_second_looks_again() {
    let stack = Stack::start(Setup::one(PROGRAM).on_fake()).await.unwrap();
    let rule = ApprovalRule { id: "two".to_owned(), count: 2, ..Default::default() };
    let environment =
        Environment { name: shop::ENVIRONMENT.to_owned(), approvals: vec![rule], ..Default::default() };
    shop::apply_environment(&stack, environment).await.unwrap();
    let deployment = shop::deployment(1, &free_address().unwrap().to_string());
    shop::apply_to(&stack, "shop", [(shop::ENVIRONMENT.to_owned(), deployment)].into()).await.unwrap();
    let people = [person(&stack, "bob", "approver").await, person(&stack, "carol", "approver").await];
    let name = shop::submit(&stack, "shop", &Release::unjudged("1")).await.unwrap();
    let etag = get(&stack, &name).await.metadata.unwrap().etag;
    let approve = |mut client: ReleasePlannerServiceClient<Transport>, etag: String| {
        let request = ApproveReleaseRequest {
            name: name.clone(),
            environment: shop::ENVIRONMENT.to_owned(),
            reason: "read it".to_owned(),
            etag,
            ..Default::default()
        };
        async move { client.approve_release(request).await }
    };
    let [bob, carol] = people;
    // one of them is first; the other had not seen that, and is told to look again
    let (one, other) = tokio::join!(approve(bob.clone(), etag.clone()), approve(carol.clone(), etag));
    let later = match (one, other) {
        (Ok(_), Err(status)) => (carol, status),
        (Err(status), Ok(_)) => (bob, status),
        both => unreachable!("exactly one: {both:?}"),
    };
    assert_eq!(later.1.code(), tonic::Code::Aborted);
    let seen = get(&stack, &name).await;
    assert_eq!(seen.environments[0].approvals.len(), 1);
    approve(later.0, seen.metadata.unwrap().etag).await.unwrap();
    let done = completed(&stack, &name).await;
    let approvals = &done.environments[0].approvals;
    let who: BTreeSet<_> = approvals.iter().map(|it| it.principal.as_ref().unwrap().id.as_str()).collect();
    assert_eq!(who, BTreeSet::from(["bob", "carol"]));
    assert_eq!(approvals.len(), 2);
}
