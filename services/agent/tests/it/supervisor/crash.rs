//! Instances that die.

use rustix::process::Signal;

use crate::kit::{Agent, Client, Load, send};

#[tokio::test]
async fn a_killed_instance_is_started_again_and_its_end_is_told() {
    let agent = Agent::with_fleet("stable", 1).await;
    let (id, pid) = agent.instances().into_iter().next().unwrap();
    send(u32::try_from(pid).unwrap(), Signal::KILL);
    let observed = agent.until("the restart", |observed| observed.instances[0].restarts == 1).await;
    let exit = observed.instances[0].last_exit.as_ref().unwrap();
    assert_eq!((observed.instances[0].id.as_str(), exit.signal), (id.as_str(), Some(9)));
    assert!(exit.log_tail.iter().any(|line| line.contains("stable serves on")), "{:?}", exit.log_tail);
    agent.until_ready("stable", 1).await;
    assert_eq!(Client::new(agent.ingress).get("/").await.1, "stable");
}

#[tokio::test]
async fn a_crash_loop_is_told_within_seconds() {
    let mut agent = Agent::start().await;
    agent.fleet("candidate", 1).spec.as_mut().unwrap().env.insert("CRASH".into(), "1".into());
    agent.converge().await;
    let looping =
        agent.until("the crash loop", |observed| observed.problems.iter().any(|it| it.code == "CRASH_LOOP"));
    let observed = looping.await;
    assert!(observed.instances[0].restarts >= 3);
    let exit = observed.instances[0].last_exit.as_ref().unwrap();
    assert_eq!(exit.code, Some(1));
    assert!(exit.log_tail.iter().any(|line| line.contains("told to crash")), "{:?}", exit.log_tail);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_instances_dies_under_load_without_a_failed_request() {
    let agent = Agent::with_fleet("stable", 2).await;
    let load = Load::start(agent.ingress, "/", 4);
    load.more(200).await;
    let pid = agent.instances().into_values().next().unwrap();
    send(u32::try_from(pid).unwrap(), Signal::KILL);
    load.more(500).await;
    load.stop().await.assert_all_well();
}

#[tokio::test]
async fn an_artifact_that_was_changed_is_not_run() {
    let mut agent = Agent::start().await;
    let program = agent.directory.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_agent-test-server"), &program).unwrap();
    let artifact = agent.fleet("candidate", 1).spec.as_mut().unwrap().artifact.as_mut().unwrap();
    artifact.source =
        Some(bellwether_proto::executor::v1::artifact::Source::Path(program.to_str().unwrap().into()));
    artifact.digest = "0".repeat(64);
    agent.converge().await;
    let observed = agent.until("the problem", |observed| !observed.problems.is_empty()).await;
    assert_eq!(
        (observed.problems[0].code.as_str(), observed.problems[0].fleet.as_str()),
        ("ARTIFACT_DIGEST", "candidate")
    );
    assert!(agent.instances().is_empty(), "it was started");
}
