//! From a fact of the executor to a webhook, through cuts, restarts and a journal that is begun anew.

use bellwether_proto::executor::v1::{Rollout, rollout::State};

use serde_json::json;

use crate::{
    executor::{Executor, rollout},
    process::Process,
    receiver::{Receiver, Seen},
};

fn facts(seen: &[Seen]) -> Vec<String> {
    let label = |seen: &Seen| {
        let json = seen.json();
        let own = json["data"].get("customData").unwrap_or(&json["data"]).clone();
        own["labels"]["fact"].as_str().unwrap().to_owned()
    };
    seen.iter().map(label).collect()
}

#[tokio::test]
async fn x04_facts_come_once_and_in_order_through_cuts_and_restarts() {
    let (dir, executor, receiver) =
        (tempfile::tempdir().unwrap(), Executor::start().await, Receiver::start([]).await);
    let source = ["--executor", executor.url.as_str()];
    let mut process = Process::start(dir.path(), &source).await;
    process.route_to(&receiver.url()).await;
    executor.tell("ROLLOUT_ACCEPTED", rollout("1", 1, State::Pending));
    receiver.wait(1).await;
    executor.tell("ROLLOUT_STEP_ISSUED", rollout("1", 2, State::Running));
    executor.tell("ROLLOUT_STARTED", rollout("1", 3, State::Running));
    receiver.wait(2).await;
    executor.cut();
    executor.tell("ROLLOUT_NEEDS_OPERATOR", rollout("1", 4, State::NeedsOperator));
    receiver.wait(3).await;
    process.stop().await;
    executor.tell("ROLLOUT_ROLLBACK_STARTED", rollout("1", 5, State::RollingBack));
    executor.tell("ROLLOUT_CANCELLED", rollout("1", 6, State::Cancelled));
    let process = Process::start(dir.path(), &source).await;
    let seen = receiver.wait(5).await;
    executor.tell("ROLLOUT_ACCEPTED", rollout("2", 7, State::Pending));
    receiver.wait(6).await;
    let told = ["ACCEPTED", "STARTED", "NEEDS_OPERATOR", "ROLLBACK_STARTED", "CANCELLED"];
    assert_eq!(facts(&seen), told.map(|fact| format!("ROLLOUT_{fact}")));
    assert_eq!(receiver.seen().len(), 6, "each once");
    process.stop().await;
}

#[tokio::test]
async fn the_trace_of_what_led_to_a_rollout_goes_on_to_the_receiver() {
    let (dir, executor, receiver) =
        (tempfile::tempdir().unwrap(), Executor::start().await, Receiver::start([]).await);
    let source = ["--executor", executor.url.as_str()];
    let mut process = Process::start(dir.path(), &source).await;
    process.route_to(&receiver.url()).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    executor.tell_with("ROLLOUT_ACCEPTED", rollout("1", 1, State::Pending), json!({ "trace": trace }));
    receiver.wait(1).await;
    process.stop().await;
    let process = Process::start(dir.path(), &source).await;
    executor.tell("ROLLOUT_CANCELLED", rollout("1", 2, State::Cancelled));
    let traces: Vec<_> = receiver.wait(2).await.iter().map(|seen| seen.header("traceparent")).collect();
    assert_eq!(traces, [trace, trace], "also for what does not name it, and after a restart");
    process.stop().await;
}

#[tokio::test]
async fn a_rollback_names_what_serves_now() {
    let (dir, executor, receiver) =
        (tempfile::tempdir().unwrap(), Executor::start().await, Receiver::start([]).await);
    let mut process = Process::start(dir.path(), &["--executor", &executor.url]).await;
    process.route_to(&receiver.url()).await;
    let mut before = rollout("1", 1, State::Succeeded);
    before.spec.as_mut().unwrap().version = "1.4.1".into();
    executor.tell("ROLLOUT_SUCCEEDED", before);
    let back = Rollout { previous_fleet: "1".into(), ..rollout("2", 2, State::RolledBack) };
    executor.tell("ROLLOUT_ROLLED_BACK", back);
    let seen = receiver.wait(2).await;
    let types: Vec<_> = seen.iter().map(|seen| seen.json()["type"].clone()).collect();
    assert!(types.contains(&"dev.cdevents.service.deployed.0.3.0".into()), "{types:?}");
    let back =
        seen.iter().map(Seen::json).find(|event| event["type"] == "dev.cdevents.service.rolledback.0.3.0");
    assert_eq!(back.unwrap()["data"]["subject"]["content"]["artifactId"], "pkg:generic/shop@1.4.1");
    process.stop().await;
}

#[tokio::test]
async fn where_facts_are_beyond_reach_the_end_is_told_all_the_same() {
    let (dir, executor, receiver) =
        (tempfile::tempdir().unwrap(), Executor::start().await, Receiver::start([]).await);
    executor.tell("ROLLOUT_SUCCEEDED", rollout("0", 1, State::Succeeded));
    let source = ["--executor", executor.url.as_str()];
    let mut process = Process::start(dir.path(), &source).await;
    process.route_to(&receiver.url()).await;
    executor.tell("ROLLOUT_STARTED", rollout("1", 2, State::Running));
    receiver.wait(1).await;
    process.stop().await;
    executor.tell("ROLLOUT_SUCCEEDED", rollout("1", 3, State::Succeeded));
    executor.begin_anew("b");
    let process = Process::start(dir.path(), &source).await;
    let seen = receiver.wait(2).await;
    assert_eq!(facts(&seen), ["ROLLOUT_STARTED", "ROLLOUT_SUCCEEDED"]);
    assert_eq!(seen[1].title(), "shop@production-1 (1.4.2) succeeded");
    executor.begin_anew("c");
    executor.tell("ROLLOUT_STARTED", rollout("2", 4, State::Running));
    let seen = receiver.wait(3).await;
    assert_eq!(seen.len(), 3, "what was told is not told again, what is older than the notifier never");
    assert!(facts(&seen)[2].starts_with("ROLLOUT_ST"), "told as a fact or as it stands");
    process.stop().await;
}

#[tokio::test]
async fn who_is_down_delays_his_own_facts_and_nothing_else() {
    let (dir, executor, receiver) =
        (tempfile::tempdir().unwrap(), Executor::start().await, Receiver::start([]).await);
    // nobody listens there
    let down = [
        "--executor",
        executor.url.as_str(),
        "--planner",
        "http://127.0.0.1:1",
        "--monitor",
        "http://127.0.0.1:1",
    ];
    let mut process = Process::start(dir.path(), &down).await;
    process.route_to(&receiver.url()).await;
    executor.tell("ROLLOUT_STARTED", rollout("1", 1, State::Running));
    assert_eq!(facts(&receiver.wait(1).await), ["ROLLOUT_STARTED"]);
    process.stop().await;
}
