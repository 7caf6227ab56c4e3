//! The gateway is killed or stands still while it is under load.

use bellwether_clock::Env;
use rustix::process::Signal;

use crate::kit::{Agent, Load, send, until};

const CONNECTIONS: usize = 16;

fn signal(gateway: i32, signal: Signal) {
    send(u32::try_from(gateway).unwrap(), signal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_killed_under_load_fails_only_what_it_had_in_flight() {
    let agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", CONNECTIONS);
    let env = Env::system();
    for round in 1..=3 {
        load.more(500).await;
        let gateway = agent.gateway();
        let (killed, answered) = (env.now(), load.answered());
        signal(gateway, Signal::KILL);
        // connections that were made meanwhile wait in the socket that the supervisor holds
        until("another gateway", || std::future::ready(agent.gateway() != gateway)).await;
        until("answers of the new one", || std::future::ready(load.answered() >= answered + CONNECTIONS))
            .await;
        println!("round {round}: answers again {:?} after the kill", env.since(killed));
    }
    load.more(500).await;
    let answers = load.stop().await;
    assert_eq!(answers.statuses.keys().collect::<Vec<_>>(), [&200], "{answers:?}");
    println!("{} failed, {CONNECTIONS} connections, 3 kills", answers.errors.len());
    // each connection had at most one request in flight at each kill
    assert!(answers.errors.len() <= 3 * CONNECTIONS, "{:?}", answers.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stands_still_is_told_and_fails_nothing_when_it_goes_on() {
    let agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", CONNECTIONS);
    load.more(200).await;
    let gateway = agent.gateway();
    signal(gateway, Signal::STOP);
    let told = |code: &'static str| {
        move |observed: &bellwether_proto::agent::v1::Observed| {
            observed.problems.iter().any(|problem| problem.code == code)
        }
    };
    agent.until("the problem", told("GATEWAY_DOWN")).await;
    signal(gateway, Signal::CONT);
    load.more(200).await;
    agent.until("the problem's end", |observed| observed.problems.is_empty()).await;
    assert_eq!(agent.gateway(), gateway, "it was not replaced");
    load.stop().await.assert_all_well();
}
