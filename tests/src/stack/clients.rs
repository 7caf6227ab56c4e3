//! Calls to the parts of a stack.

use std::path::PathBuf;

use anyhow::Context as _;
use bellwether_client::Transport;
use bellwether_proto::{
    agent::v1::{GetCapabilitiesRequest, agent_service_client::AgentServiceClient},
    executor::v1::{ListTargetsRequest, executor_service_client::ExecutorServiceClient},
    monitor::v1::{ListAnalysesRequest, health_monitor_service_client::HealthMonitorServiceClient},
    notifier::v1::{GetRoutingRequest, notifier_service_client::NotifierServiceClient},
    planner::v1::{ListHoldsRequest, release_planner_service_client::ReleasePlannerServiceClient},
};

use super::{Stack, setup::Part};

// === impl Stack ===

impl Stack {
    /// What carries calls to a part.
    ///
    /// # Panics
    /// Never: every service has a transport.
    pub fn transport_to(&self, part: Part) -> Transport {
        self.transports[&part].clone()
    }

    /// What carries calls to the executor, and in one process to all four.
    pub fn transport(&self) -> Transport {
        self.transport_to(Part::Executor)
    }

    /// The planner.
    pub fn planner(&self) -> ReleasePlannerServiceClient<Transport> {
        ReleasePlannerServiceClient::new(self.transport_to(Part::Planner))
    }

    /// The executor.
    pub fn executor(&self) -> ExecutorServiceClient<Transport> {
        ExecutorServiceClient::new(self.transport())
    }

    /// The monitor.
    pub fn monitor(&self) -> HealthMonitorServiceClient<Transport> {
        HealthMonitorServiceClient::new(self.transport_to(Part::Monitor))
    }

    /// The notifier.
    pub fn notifier(&self) -> NotifierServiceClient<Transport> {
        NotifierServiceClient::new(self.transport_to(Part::Notifier))
    }

    /// The agent, as a person on this machine calls it.
    ///
    /// # Errors
    /// When it cannot be found.
    pub fn agent(&self) -> anyhow::Result<AgentServiceClient<Transport>> {
        Ok(AgentServiceClient::new(self.agent_transport()?))
    }

    /// What carries calls to the agent.
    ///
    /// # Errors
    /// When it cannot be found.
    pub fn agent_transport(&self) -> anyhow::Result<Transport> {
        let address = std::fs::read_to_string(self.agent_dir().join("address"))?;
        Ok(Transport::builder(format!("http://{}", address.trim())).build()?)
    }

    /// The process id of the agent's supervisor.
    ///
    /// # Errors
    /// When none runs.
    pub fn supervisor(&self) -> anyhow::Result<u32> {
        let text = std::fs::read_to_string(self.agent_dir().join("agent.lock"))?;
        let holder: serde_json::Value = serde_json::from_str(&text)?;
        let pid = holder.pointer("/process/pid").and_then(serde_json::Value::as_u64);
        u32::try_from(pid.context("the lock names no process")?).context("no process id")
    }

    /// Whether a part answers calls.
    pub async fn answers(&self, part: Part) -> bool {
        match part {
            Part::Planner => self.planner().list_holds(ListHoldsRequest::default()).await.is_ok(),
            Part::Executor => self.executor().list_targets(ListTargetsRequest::default()).await.is_ok(),
            Part::Monitor => self.monitor().list_analyses(ListAnalysesRequest::default()).await.is_ok(),
            Part::Notifier => self.notifier().get_routing(GetRoutingRequest::default()).await.is_ok(),
            Part::Agent => match self.agent() {
                Ok(mut agent) => agent.get_capabilities(GetCapabilitiesRequest::default()).await.is_ok(),
                Err(_) => false,
            },
        }
    }

    fn agent_dir(&self) -> PathBuf {
        self.data_dir().join("agent")
    }
}
