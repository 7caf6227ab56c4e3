//! What stands in the way, told where the executor reads it.

use std::sync::Arc;

use bellwether_client::Transport;
use bellwether_clock::Env;
use bellwether_driver_agent::AgentDriver;
use bellwether_platform::Driver;
use bellwether_proto::{agent::v1::Observed, executor::v1::artifact::Source};
use bellwether_rollout::Problem;
use rustix::process::Signal;
use uuid::Uuid;

use crate::kit::{Agent, TARGET, until};

/// Fleets of executors have UUIDs.
const FLEET: &str = "0197b5c8-0000-7000-8000-00000000000a";

async fn seen(agent: &Agent) -> bellwether_rollout::Observed {
    let transport = Transport::builder(agent.url.clone()).build().unwrap();
    let driver = Driver::both(Arc::new(AgentDriver::new(transport, Env::system())));
    driver.observe(TARGET).await.unwrap()
}

/// Waits for a problem of this kind, as an executor sees it.
async fn problem(agent: &Agent, code: &str) -> Problem {
    let found = async || seen(agent).await.problems.into_iter().find(|problem| problem.code == code);
    until(code, || async { found().await.is_some() }).await;
    found().await.unwrap()
}

fn is_digest(observed: &Observed) -> bool {
    observed.problems.iter().any(|problem| problem.code == "ARTIFACT_DIGEST")
}

#[tokio::test]
async fn where_and_since_when_instances_run_is_told() {
    let agent = Agent::with_fleet(FLEET, 1).await;
    let observed = seen(&agent).await;
    assert_eq!(observed.problems, []);
    let instance = &observed.instances[0];
    assert!(instance.start_time.is_some());
    let answer = crate::kit::Client::new(instance.address.parse().unwrap()).get("/").await;
    assert_eq!(answer.1, FLEET);
}

#[tokio::test]
async fn what_cannot_run_says_which_and_why_and_what_to_do() {
    let mut agent = Agent::start().await;
    let spec = agent.fleet(FLEET, 1).spec.as_mut().unwrap();
    spec.artifact.as_mut().unwrap().source = Some(Source::Path("/nowhere/shop".into()));
    agent.converge().await;
    let missing = problem(&agent, "ARTIFACT_MISSING").await;
    assert!(missing.message.contains("/nowhere/shop"), "{missing:?}");
    assert_eq!(missing.fleet.unwrap().0, FLEET.parse::<Uuid>().unwrap());
    assert!(missing.instance.is_some() && !missing.remedy.is_empty(), "{missing:?}");
    let since = missing.since.unwrap();
    problem(&agent, "CRASH_LOOP").await;
    assert_eq!(problem(&agent, "ARTIFACT_MISSING").await.since, Some(since), "it is the same one");
    let spec = agent.desired.fleets[0].spec.as_mut().unwrap();
    spec.artifact = None;
    spec.command = vec!["/nowhere/program".into()];
    agent.converge().await;
    let failed = problem(&agent, "START_FAILED").await;
    assert!(failed.message.contains("/nowhere/program"), "{failed:?}");
}

#[tokio::test]
async fn with_one_port_for_two_instances_the_second_waits_for_it() {
    let port = crate::kit::free_address().port();
    let mut agent = Agent::with(&["--instance-ports", &format!("{port}-{port}")]).await;
    agent.fleet(FLEET, 2);
    agent.converge().await;
    let none = problem(&agent, "NO_PORT").await;
    assert!(none.remedy.contains("--instance-ports"), "{none:?}");
    agent.until_ready(FLEET, 1).await;
}

#[tokio::test]
async fn an_ingress_that_is_taken_is_a_problem_of_the_target() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut agent = Agent::start().await;
    agent.fleet(FLEET, 1);
    agent.desired.ingress[0].listen = taken.local_addr().unwrap().to_string();
    agent.converge().await;
    let in_use = problem(&agent, "PORT_IN_USE").await;
    assert_eq!((in_use.fleet, in_use.instance), (None, None));
    let all = seen(&agent).await.problems;
    assert_eq!(all.iter().filter(|problem| problem.code == "PORT_IN_USE").count(), 1, "{all:?}");
}

#[tokio::test]
async fn what_was_started_without_a_digest_stays_what_it_was() {
    let mut agent = Agent::start().await;
    let program = agent.directory.path().join("program");
    std::fs::copy(env!("CARGO_BIN_EXE_agent-test-server"), &program).unwrap();
    let spec = agent.fleet(FLEET, 1).spec.as_mut().unwrap();
    spec.artifact.as_mut().unwrap().source = Some(Source::Path(program.to_str().unwrap().into()));
    agent.converge().await;
    agent.until_ready(FLEET, 1).await;
    // the same file under another content, as who deploys by copying does it
    let other = agent.directory.path().join("other");
    std::fs::write(&other, "#!/bin/sh\nsleep 987\n").unwrap();
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::rename(&other, &program).unwrap();
    agent.end_supervisor(Signal::KILL);
    agent.start_supervisor().await;
    let pid = agent.instances().into_values().next().unwrap();
    crate::kit::send(u32::try_from(pid).unwrap(), Signal::KILL);
    let observed = agent.until("the problem", is_digest).await;
    let text = &observed.problems.iter().find(|problem| problem.code == "ARTIFACT_DIGEST").unwrap().text;
    assert!(text.contains("first started with"), "{text}");
    agent.desired.fleets[0].count = 2;
    agent.converge().await;
    let both = |observed: &Observed| {
        observed.problems.iter().filter(|problem| problem.code == "ARTIFACT_DIGEST").count() == 2
    };
    agent.until("the same of a new instance", both).await;
    std::fs::copy(env!("CARGO_BIN_EXE_agent-test-server"), &other).unwrap();
    std::fs::rename(&other, &program).unwrap();
    agent.until_ready(FLEET, 2).await;
}
