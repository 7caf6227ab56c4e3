//! Limits of memory and processor time, where the host lets them be set.

use std::time::Duration;

use bellwether_clock::Env;
use bellwether_proto::executor::v1::Resources;

use crate::kit::{Agent, Client, until};

const MEMORY: i64 = 256 << 20;

/// An agent whose fleet has these limits; none where the host does not let them be set, which is told.
async fn limited(resources: Resources) -> Option<Agent> {
    let mut agent = Agent::start().await;
    agent.fleet("stable", 1).spec.as_mut().unwrap().resources = Some(resources);
    agent.split(&[("stable", 100.0)]);
    agent.converge().await;
    let observed = agent.until_ready("stable", 1).await;
    if let Some(problem) = observed.problems.iter().find(|problem| problem.code == "LIMITS") {
        assert!(problem.text.contains("cannot be limited on this host: "), "{problem:?}");
        eprintln!("skipped: {}", problem.text);
        return None;
    }
    Some(agent)
}

#[tokio::test]
async fn an_instance_over_its_memory_is_ended_and_its_end_says_why() {
    let Some(agent) = limited(Resources { memory_bytes: MEMORY, ..Resources::default() }).await else {
        return;
    };
    let client = Client::new(agent.ingress);
    assert_eq!(client.get("/eat/64").await.1, "stable", "what is below the limit may be had");
    // its end is the answer
    let request = client.request("/eat/512").body(Default::default()).unwrap();
    let _ = client.send(request).await;
    let observed = agent.until("its end", |observed| observed.instances[0].restarts > 0).await;
    let exit = observed.instances[0].last_exit.as_ref().unwrap();
    assert_eq!(exit.signal, Some(9));
    let last = exit.log_tail.last().unwrap();
    assert!(last.starts_with("out of memory: ") && last.contains(&MEMORY.to_string()), "{last}");
    agent.until_ready("stable", 1).await;
}

#[tokio::test]
async fn an_instance_gets_no_more_of_the_processors_than_its_limit() {
    let limit = 0.2;
    let Some(agent) = limited(Resources { cpu_cores: limit, ..Resources::default() }).await else { return };
    Client::new(agent.ingress).get("/spin").await;
    let pid = agent.instances().into_values().next().unwrap();
    let env = Env::system();
    let (begun, before) = (env.now(), processor_time(pid));
    // as long as it takes to see more than one period
    let enough = || async { processor_time(pid) - before >= Duration::from_millis(300) };
    until("it has had more than one period's worth", enough).await;
    let share = (processor_time(pid) - before).as_secs_f64() / env.since(begun).as_secs_f64();
    assert!(share < limit * 1.5, "it got {share:.2} cores");
}

/// Of a process, in user and system mode.
fn processor_time(pid: i32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
