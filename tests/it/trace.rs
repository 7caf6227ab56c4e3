//! What operators see of the whole stack: one trace per release over a real OTLP receiver, and `/metrics`.

mod collector;

use std::collections::HashMap;

use bellwether_proto::{
    executor::v1::strategy::Kind,
    notifier::v1::{ApplyRoutingRequest, LogChannel, Receiver, Route, Routing, receiver::Channel},
    planner::v1::Environment,
};
use bellwether_tests::{
    ports::free_address,
    shop::{self, Release},
    stack::{Setup, Stack},
    wait::{until, until_within},
};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tonic::Request;

use self::collector::{Collector, attribute};
use super::{PROGRAM, observe::at};

/// What the client that hands the release in has traced before.
const TRACE: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const PARENT: u64 = 0x00f0_67aa_0ba9_02b7;
const SUBMIT: &str = "bellwether.planner.v1.ReleasePlannerService/SubmitRelease";
const START: &str = "bellwether.executor.v1.ExecutorService/StartRollout";
const ANALYSE: &str = "bellwether.monitor.v1.HealthMonitorService/StartAnalysis";

/// Every message becomes a line in the notifier's log.
async fn log_everything(stack: &Stack) {
    let to =
        Receiver { name: "log".to_owned(), channel: Some(Channel::Log(LogChannel {})), ..Default::default() };
    let route = Route { receiver: "log".to_owned(), ..Default::default() };
    let routing = Routing { receivers: vec![to], route: Some(route), ..Default::default() };
    let request = ApplyRoutingRequest { routing: Some(routing), ..Default::default() };
    stack.notifier().apply_routing(request).await.unwrap();
}

/// Waits until there is a span of each name and, where one is given, with this attribute.
async fn traced(collector: &Collector, wanted: &[(&str, &str, &str)]) {
    let missing = || {
        let spans = collector.of(TRACE);
        let there = |(name, key, value): &(&str, &str, &str)| {
            spans
                .iter()
                .any(|span| span.name == *name && (key.is_empty() || attribute(span, key).contains(value)))
        };
        wanted.iter().filter(|it| !there(it)).copied().collect::<Vec<_>>()
    };
    let all = until_within(2 * bellwether_tests::wait::DEADLINE, "the spans come", || async {
        missing().is_empty().then_some(())
    });
    let waited = all.await;
    assert!(waited.is_ok(), "missing {:?} in {:#?}", missing(), collector.of(TRACE));
}

/// The shop in two environments, the second one behind the first; the first one is reached at what is returned.
async fn line(stack: &Stack) -> std::net::SocketAddr {
    let front = free_address().unwrap();
    let second = free_address().unwrap();
    for (name, upstreams) in [(shop::ENVIRONMENT, vec![]), ("second", vec![shop::ENVIRONMENT.to_owned()])] {
        let environment = Environment { name: name.to_owned(), upstreams, ..Default::default() };
        shop::apply_environment(stack, environment).await.unwrap();
    }
    let deployment = |address: std::net::SocketAddr| shop::deployment(1, &address.to_string());
    let deployments = HashMap::from([
        (shop::ENVIRONMENT.to_owned(), deployment(front)),
        ("second".to_owned(), deployment(second)),
    ]);
    shop::apply_to(stack, "shop", deployments).await.unwrap();
    front
}

async fn submit_traced(stack: &Stack, release: &Release) -> String {
    let mut request = Request::new(shop::request(stack, "shop", release).unwrap());
    let traceparent = format!("00-{TRACE:032x}-{PARENT:016x}-01");
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    stack.planner().submit_release(request).await.unwrap().into_inner().release.unwrap().name
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_trace_runs_from_the_release_to_its_deliveries_and_goes_on_after_a_restart() {
    let collector = Collector::start().await;
    let args = ["--otlp-endpoint", &collector.url];
    let mut stack = Stack::up_with(PROGRAM, &args, &[("OTEL_BSP_SCHEDULE_DELAY", "100")]).await.unwrap();
    log_everything(&stack).await;
    let front = line(&stack).await;
    let mut first = Release::of("1", Kind::BlueGreen);
    first.strategy.bake = shop::unjudged_bake();
    first.strategy.final_bake = first.strategy.bake;
    let first = shop::submit(&stack, "shop", &first).await.unwrap();
    let serves = |target: &'static str| {
        move |it: &bellwether_proto::executor::v1::Rollout| it.target == target && it.end_time.is_some()
    };
    shop::rollout_until(&stack, &first, serves("targets/shop@second")).await.unwrap();
    let load = shop::load(&stack, front, 50);
    until("the load is answered", || async { (load.tally().good > 20).then_some(()) }).await.unwrap();
    assert!(collector.of(TRACE).is_empty(), "another release has another trace");

    let mut release = Release::canary("2");
    release.strategy.bake.as_mut().unwrap().min = shop::millis(4_000);
    let name = submit_traced(&stack, &release).await;
    let here = "targets/shop@test";
    shop::rollout_until(&stack, &name, |it| it.target == here && at(it) == ("BAKE", 50.0)).await.unwrap();
    traced(
        &collector,
        &[
            (SUBMIT, "", ""),
            ("plan", "", ""),
            ("start rollout", "environment", "test"),
            (START, "", ""),
            ("converge", "step", "Route"),
            ("analysis", "", ""),
            (ANALYSE, "", ""),
            ("decide", "", ""),
            ("verdict", "", ""),
            ("deliver", "receiver", "log"),
        ],
    )
    .await;
    let spans = collector.of(TRACE);
    let submitted = spans.iter().find(|span| span.name == SUBMIT).unwrap();
    assert_eq!(submitted.parent_span_id, PARENT.to_be_bytes(), "it hangs below the client's span");

    stack.process().kill().unwrap();
    collector.clear();
    stack.up_again().await.unwrap();
    shop::rollout_until(&stack, &name, serves(here)).await.unwrap();
    traced(
        &collector,
        &[
            ("converge", "step", "Route"),
            ("decide", "decision", "DECISION_PASS"),
            ("verdict", "decision", "Pass"),
            ("deliver", "receiver", "log"),
            ("start rollout", "environment", "second"),
            (START, "", ""),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_say_what_each_service_does() {
    let stack = Stack::start(Setup::one(PROGRAM).on_fake()).await.unwrap();
    log_everything(&stack).await;
    line(&stack).await;
    let mut first = Release::of("1", Kind::BlueGreen);
    first.strategy.final_bake = shop::unjudged_bake();
    first.strategy.bake = first.strategy.final_bake;
    let first = shop::submit(&stack, "shop", &first).await.unwrap();
    let ended = shop::ended(&stack, &first).await.unwrap();
    assert!(ended.end_time.is_some());
    // nothing is measured on the platform in memory, so that this one goes on baking
    let second = shop::submit(&stack, "shop", &Release::canary("2")).await.unwrap();
    shop::rollout_until(&stack, &second, |it| at(it) == ("BAKE", 50.0)).await.unwrap();

    let wanted = [
        "bellwether_rpc_started_total{service=\"bellwether.planner.v1.ReleasePlannerService\",method=\"SubmitRelease\"} 2",
        "bellwether_rpc_handled_total{service=\"bellwether.planner.v1.ReleasePlannerService\",method=\"SubmitRelease\",code=\"Ok\"} 2",
        "bellwether_rpc_duration_seconds_count{service=\"bellwether.planner.v1.ReleasePlannerService\",method=\"SubmitRelease\"} 2",
        "bellwether_release_planner_committed_events_total ",
        "bellwether_executor_committed_events_total ",
        "bellwether_health_monitor_committed_events_total ",
        "bellwether_notifier_committed_events_total ",
        "bellwether_commit_seconds_count ",
        "bellwether_rollouts{state=\"RUNNING\"} 1",
        "bellwether_verdicts_total{decision=\"",
        "bellwether_monitor_verdicts_total{decision=\"",
        "bellwether_notifier_delivery_facts_total{fact=\"",
        "bellwether_notifier_attempt_seconds_count{receiver=\"log\",outcome=\"delivered\"} ",
    ];
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let uri: hyper::Uri = format!("http://{}/metrics", stack.listen()).parse().unwrap();
    let text = || async {
        let body = client.get(uri.clone()).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    };
    let complete = until("all of it is counted", || async {
        let text = text().await;
        wanted.iter().all(|line| text.contains(line)).then_some(())
    });
    if complete.await.is_err() {
        let text = text().await;
        let missing: Vec<_> = wanted.iter().filter(|line| !text.contains(**line)).collect();
        panic!("missing {missing:#?} in\n{text}");
    }
}
