//! Instances that die.

use bellwether_proto::{
    agent::v1::Observed,
    executor::v1::{Check, Resources, check},
};
use rustix::process::Signal;

use crate::kit::{Agent, Client, Load, send, until};

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
    let counted = |observed: &Observed| {
        observed.instances.iter().any(|it| {
            let last_words = it.last_exit.iter().flat_map(|exit| &exit.log_tail).next();
            it.restarts >= 3 && last_words.is_some_and(|text| text.starts_with("it cannot be started: "))
        })
    };
    agent.until("three ends, for who breaks crash loops", counted).await;
}

#[tokio::test]
async fn an_instance_that_is_no_longer_alive_is_replaced() {
    let mut agent = Agent::start().await;
    let live = Check {
        kind: Some(check::Kind::HttpPath("/live".into())),
        interval: Some(bellwether_proto::Duration { seconds: 0, nanos: 50_000_000 }),
        failures: 2,
        ..Check::default()
    };
    agent.fleet("stable", 1).spec.as_mut().unwrap().live = Some(live);
    agent.split(&[("stable", 100.0)]);
    agent.converge().await;
    agent.until_ready("stable", 1).await;
    let before = agent.instances();
    Client::new(agent.ingress).get("/hang").await;
    let restarted = |observed: &Observed| observed.instances[0].restarts == 1 && observed.instances[0].ready;
    agent.until("another process", restarted).await;
    let after = agent.instances();
    assert!(before.keys().eq(after.keys()) && before != after, "{before:?} {after:?}");
}

#[tokio::test]
async fn what_an_instance_has_started_ends_with_it() {
    let mut agent = Agent::start().await;
    let spec = agent.fleet("stable", 1).spec.as_mut().unwrap();
    spec.command = ["sh", "-c", "sleep 987 & echo child $!; exec {artifact}"].map(str::to_owned).into();
    spec.resources = Some(Resources { open_files: 77, ..Resources::default() });
    agent.converge().await;
    agent.until_ready("stable", 1).await;
    let pid = agent.instances().into_values().next().unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let open_files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert!(open_files.contains(" 77 "), "{open_files}");
    send(u32::try_from(pid).unwrap(), Signal::KILL);
    let observed = agent.until("the restart", |observed| observed.instances[0].restarts == 1).await;
    let log = &observed.instances[0].last_exit.as_ref().unwrap().log_tail;
    let child = log.iter().find_map(|line| line.strip_prefix("child ")).unwrap().to_owned();
    let gone = || std::future::ready(!runs(&child) && !runs(&pid.to_string()));
    until("nothing of it is left", gone).await;
}

/// Whether a process runs; one that has ended and was not waited for does not, whoever has to wait for it.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}

#[tokio::test]
async fn an_instance_that_does_not_want_to_end_is_killed_after_its_grace() {
    let mut agent = Agent::start().await;
    let spec = agent.fleet("stable", 1).spec.as_mut().unwrap();
    spec.command = ["sh", "-c", "trap '' TERM; {artifact}; sleep 987"].map(str::to_owned).into();
    spec.stop_grace = Some(bellwether_proto::Duration { seconds: 0, nanos: 200_000_000 });
    agent.converge().await;
    agent.until_ready("stable", 1).await;
    agent.desired.fleets.clear();
    agent.converge().await;
    agent.until("its end", |observed| observed.instances.is_empty()).await;
}
