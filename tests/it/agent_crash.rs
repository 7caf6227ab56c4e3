//! The agent's two processes die or are replaced in the middle of a rollout, under load.

use bellwether_proto::executor::v1::rollout::State;
use bellwether_tests::{
    process::signal_id,
    shop::{self, Release},
    stack::Stack,
    wait::until,
};
use rustix::process::Signal;

use super::{
    PROGRAM,
    observe::{at, fleet_of, ids, stable_ids, stable_of, target},
};

const RPS: u32 = 150;

/// The children of a process.
fn children(id: u32) -> Vec<u32> {
    let text = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    text.split_whitespace().map(|word| word.parse().unwrap()).collect()
}

/// The gateway among the children of any process: an adopted one has another parent.
fn gateway(stack: &Stack) -> Option<u32> {
    let data = stack.data_dir();
    let data = data.to_str().unwrap();
    let all = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    all.into_iter().find(|id| {
        let words = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        words.split('\0').any(|word| word == "gateway") && words.contains(data)
    })
}

/// Waits until another process than this one is the supervisor, and answers.
async fn another_supervisor(stack: &Stack, before: u32) -> u32 {
    let found = until("another supervisor answers", || async {
        let now = stack.supervisor().ok().filter(|now| *now != before)?;
        stack.answers(bellwether_tests::stack::Part::Agent).await.then_some(now)
    });
    found.await.unwrap()
}

/// Waits until another process than this one is the gateway.
async fn another_gateway(stack: &Stack, before: u32) -> u32 {
    until("another gateway runs", || async { gateway(stack).filter(|now| *now != before) }).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x03_the_agent_dies_and_is_replaced_in_a_rollout_and_no_request_fails() {
    let stack = Stack::up(PROGRAM).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, RPS).await.unwrap();
    let before = target(&stack).await;
    let name = shop::submit(&stack, "shop", &Release::endless("2")).await.unwrap();
    let baking = shop::rollout_until(&stack, &name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    let candidates = ids(&target(&stack).await.instance_states, &fleet_of(&baking));

    let first = stack.supervisor().unwrap();
    signal_id(first, Signal::KILL).unwrap();
    let second = another_supervisor(&stack, first).await;
    // planned: the supervisor, then the gateway
    signal_id(second, Signal::TERM).unwrap();
    let third = another_supervisor(&stack, second).await;
    let served_by = gateway(&stack).unwrap();
    signal_id(third, Signal::HUP).unwrap();
    another_gateway(&stack, served_by).await;
    assert!(children(third).len() <= 1 + 4, "the gateway and what it started: nothing runs twice");

    let served = load.tally().good;
    until("the load goes on", || async { (load.tally().good > served + 200).then_some(()) }).await.unwrap();
    let during = target(&stack).await;
    assert_eq!(stable_ids(&during), stable_ids(&before), "instances were adopted");
    assert_eq!(ids(&during.instance_states, &fleet_of(&baking)), candidates, "those of the candidate too");
    assert!(during.instance_states.iter().all(|it| it.restarts == 0), "{:?}", during.instance_states);

    let (code, _, errors) = stack.cli(&["abort", "shop@test", "-m", "seen enough"]).await.unwrap();
    assert_eq!(code, 0, "{errors}");
    let ended = shop::ended(&stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x03_a_killed_gateway_is_back_and_connections_wait() {
    let stack = Stack::up(PROGRAM).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, RPS).await.unwrap();
    let front = shop::front(&stack, "shop").await.unwrap();
    // what is in flight in a process that is killed is lost with it, whoever did it: new connections are the promise
    drop(load);
    let killed = gateway(&stack).unwrap();
    signal_id(killed, Signal::KILL).unwrap();
    let load = shop::load(&stack, front, RPS);
    another_gateway(&stack, killed).await;
    let release = Release::canary("2");
    let name = shop::submit(&stack, "shop", &release).await.unwrap();
    let ended = shop::ended(&stack, &name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert_eq!(stable_of(&target(&stack).await), fleet_of(&ended));
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "connections waited in the listening socket: {:?}", tally.failures);
}
