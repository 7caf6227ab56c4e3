//! The services as the commands call them.

use std::{env, path::PathBuf};

use bellwether_client::Transport;
use bellwether_clock::{Env, Timestamp};
use bellwether_proto::{
    agent::v1::agent_service_client::AgentServiceClient,
    executor::v1::executor_service_client::ExecutorServiceClient,
    monitor::v1::health_monitor_service_client::HealthMonitorServiceClient,
    notifier::v1::notifier_service_client::NotifierServiceClient,
    planner::v1::release_planner_service_client::ReleasePlannerServiceClient,
};
use bellwether_server::default_data_dir;
use tonic_health::pb::health_client::HealthClient;

use crate::{
    args::{AgentAddress, Global},
    names::Unfit,
};

/// The four services, on one server or each on its own.
#[derive(Clone)]
pub struct Session {
    server: Transport,
    planner: Transport,
    executor: Transport,
    monitor: Transport,
    notifier: Transport,
    global: Global,
    env: Env,
}

// === impl Session ===

impl Session {
    /// Connects when it is first used.
    ///
    /// # Errors
    /// When a URL or the token's file cannot be used.
    pub fn new(global: &Global, env: Env) -> anyhow::Result<Self> {
        let server = transport(&global.server, global)?;
        let own =
            |url: &Option<String>| url.as_ref().map_or(Ok(server.clone()), |url| transport(url, global));
        Ok(Self {
            planner: own(&global.planner_url)?,
            executor: own(&global.executor_url)?,
            monitor: own(&global.monitor_url)?,
            notifier: own(&global.notifier_url)?,
            server,
            global: global.clone(),
            env,
        })
    }

    /// The surroundings.
    pub fn env(&self) -> Env {
        self.env.clone()
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// The server itself.
    pub fn health(&self) -> HealthClient<Transport> {
        HealthClient::new(self.server.clone())
    }

    /// The planner.
    pub fn planner(&self) -> ReleasePlannerServiceClient<Transport> {
        ReleasePlannerServiceClient::new(self.planner.clone())
    }

    /// The executor.
    pub fn executor(&self) -> ExecutorServiceClient<Transport> {
        ExecutorServiceClient::new(self.executor.clone())
    }

    /// The monitor.
    pub fn monitor(&self) -> HealthMonitorServiceClient<Transport> {
        HealthMonitorServiceClient::new(self.monitor.clone())
    }

    /// The notifier.
    pub fn notifier(&self) -> NotifierServiceClient<Transport> {
        NotifierServiceClient::new(self.notifier.clone())
    }

    /// The agent that the environment names, else that of the data directory.
    ///
    /// # Errors
    /// When it cannot be found.
    pub fn agent(&self) -> anyhow::Result<AgentServiceClient<Transport>> {
        self.agent_at(&AgentAddress { data_dir: data_dir(), agent: env::var("BELLWETHER_AGENT").ok() })
    }

    /// The agent, found by its file in the data directory: no service is needed.
    ///
    /// # Errors
    /// When there is no such file.
    pub fn agent_at(&self, address: &AgentAddress) -> anyhow::Result<AgentServiceClient<Transport>> {
        let url = match &address.agent {
            Some(url) if url.contains("://") => url.clone(),
            Some(address) => format!("http://{address}"),
            None => format!("http://{}", crate::agent::find(&address.data_dir)?),
        };
        Ok(AgentServiceClient::new(transport(&url, &self.global)?))
    }
}

/// Where `up` keeps its data without `--data-dir`.
pub fn data_dir() -> PathBuf {
    env::var_os("BELLWETHER_DATA_DIR").map_or_else(default_data_dir, PathBuf::from)
}

fn transport(url: &str, global: &Global) -> anyhow::Result<Transport> {
    if !url.starts_with("http://") && !url.starts_with("https://") {
        return Err(Unfit(format!("{url:?} is no URL; give e.g. http://127.0.0.1:7420")).into());
    }
    let mut builder = Transport::builder(url);
    if let Some(file) = &global.token_file {
        builder = builder.token_file(file);
    } else if let Ok(token) = env::var("BELLWETHER_TOKEN") {
        builder = builder.token(token);
    }
    Ok(builder.build()?)
}
