//! The agent's own processes that die or are replaced.

use rustix::process::Signal;

use crate::kit::{Agent, Client, Load, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_supervisor_fails_no_request_and_its_successor_adopts() {
    let mut agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", 4);
    load.more(100).await;
    let (instances, gateway) = (agent.instances(), agent.gateway());
    agent.end_supervisor(Signal::KILL);
    load.more(200).await;
    agent.start_supervisor().await;
    let observed = agent.until_ready("stable", 2).await;
    assert!(observed.instances.iter().all(|instance| instance.restarts == 0), "{observed:?}");
    assert_eq!((agent.instances(), agent.gateway()), (instances, gateway));
    // what was adopted is looked after as before
    agent.fleet("candidate", 1);
    agent.converge().await;
    agent.until_ready("candidate", 1).await;
    agent.split(&[("candidate", 100.0)]);
    agent.converge().await;
    agent.desired.fleets.retain(|fleet| fleet.id == "candidate");
    agent.converge().await;
    agent.until("the removal of adopted instances", |observed| observed.instances.len() == 1).await;
    load.more(100).await;
    load.stop().await.assert_all_well();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_gateway_is_replaced_and_connections_wait() {
    let agent = Agent::with_fleet("stable", 1).await;
    let gateway = agent.gateway();
    crate::kit::send(u32::try_from(gateway).unwrap(), Signal::KILL);
    let answer = Client::new(agent.ingress).get("/").await;
    assert_eq!(answer.1, "stable");
    assert_ne!(agent.gateway(), gateway);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_died_with_its_supervisor_comes_back() {
    let mut agent = Agent::with_fleet("stable", 1).await;
    let gateway = agent.gateway();
    agent.end_supervisor(Signal::KILL);
    crate::kit::send(u32::try_from(gateway).unwrap(), Signal::KILL);
    agent.start_supervisor().await;
    assert_eq!(Client::new(agent.ingress).get("/").await.1, "stable");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn planned_restarts_of_both_fail_no_request() {
    let mut agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", 8);
    load.more(200).await;
    let gateway = agent.gateway();
    agent.signal_supervisor(Signal::HUP);
    until("another gateway", || std::future::ready(agent.gateway() != gateway)).await;
    load.more(200).await;
    agent.end_supervisor(Signal::TERM);
    load.more(200).await;
    agent.start_supervisor().await;
    agent.until_ready("stable", 2).await;
    load.more(200).await;
    load.stop().await.assert_all_well();
}

#[tokio::test]
async fn told_to_end_everything_it_leaves_nothing_behind() {
    let mut agent = Agent::with_fleet("stable", 2).await;
    let pids: Vec<i32> = agent.instances().into_values().chain([agent.gateway()]).collect();
    agent.end_supervisor(Signal::QUIT);
    for pid in pids {
        let gone = || std::future::ready(!std::path::Path::new(&format!("/proc/{pid}")).exists());
        until("the process to be gone", gone).await;
    }
    assert!(agent.instances().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_target_whose_file_is_damaged_stays_as_it_is_until_the_next_wish() {
    let mut agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", 4);
    load.more(100).await;
    let instances = agent.instances();
    agent.end_supervisor(Signal::KILL);
    let file = agent.directory.path().join("agent/targets/shop@test.json");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    agent.start_supervisor().await;
    let observed = agent.until("the problem", |observed| !observed.problems.is_empty()).await;
    let problem = &observed.problems[0];
    assert!(problem.code == "DISK" && problem.text.contains("shop@test.json"), "{problem:?}");
    load.more(200).await;
    assert_eq!(agent.instances(), instances, "nothing was stopped");
    agent.converge().await;
    agent.until_ready("stable", 2).await;
    assert_eq!(agent.observe().await.problems, []);
    load.more(100).await;
    assert_eq!(agent.instances(), instances, "they are what is wished for");
    load.stop().await.assert_all_well();
}
