//! The driver over a real agent passes the conformance kit.

use async_trait::async_trait;
use bellwether_client::Transport;
use bellwether_clock::Env;
use bellwether_driver_agent::AgentDriver;
use bellwether_platform::{
    Driver,
    kit::{self, Subject},
};
use bellwether_rollout::{Artifact, ArtifactSource, Check, FleetSpec, Ingress, Probe, TargetSpec};
use tokio::sync::Mutex;

use crate::kit::{Agent, free_address};

struct RealAgent(Mutex<Agent>);

impl RealAgent {
    fn driver_to(agent: &Agent) -> Driver {
        let transport = Transport::builder(agent.url.clone()).build().unwrap();
        Driver::both(std::sync::Arc::new(AgentDriver::new(transport, Env::system())))
    }
}

#[async_trait]
impl Subject for RealAgent {
    async fn driver(&self) -> Driver {
        Self::driver_to(&*self.0.lock().await)
    }

    async fn restarted(&self) -> Option<Driver> {
        let mut agent = self.0.lock().await;
        agent.end_supervisor(rustix::process::Signal::KILL);
        agent.start_supervisor().await;
        Some(Self::driver_to(&agent))
    }

    fn target(&self, name: &str, n: u32) -> TargetSpec {
        let entry = || Ingress { listen: free_address().to_string(), ..Ingress::default() };
        TargetSpec {
            name: name.into(),
            instances: n,
            ingress: vec![entry()],
            preview: Some(entry()),
            ..TargetSpec::default()
        }
    }

    fn fleet(&self, version: &str) -> FleetSpec {
        let source = ArtifactSource::Path(env!("CARGO_BIN_EXE_agent-test-server").into());
        let artifact =
            Artifact { name: "kit".into(), version: version.into(), source, ..Artifact::default() };
        let probe = Probe::Http { port: String::new(), path: "/ready".into() };
        FleetSpec { artifact, ready: Some(Check::new(probe)), ..FleetSpec::default() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_agent_conforms() {
    kit::run(&RealAgent(Mutex::new(Agent::start().await))).await;
}
