//! What the executor is told.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc};

use anyhow::Context as _;
use bellwether_client::{Transport, TransportError};
use bellwether_clock::Env;
use bellwether_driver_agent::AgentDriver;
use bellwether_egress::{AddressPolicy, Network};
use bellwether_platform::fake::Fake;
use bellwether_server::{Metrics, ServeArgs, Shutdown};

use crate::{
    drivers::Drivers,
    fake_control,
    hooks::{AllowList, AllowedCommand, Hooks, RunAs},
    monitor::{GrpcMonitor, MonitorSource},
    service::NAME,
    shell::Parts,
};

/// Where an agent listens unless told otherwise.
const AGENT: &str = "http://127.0.0.1:7450";

/// The executor's own command line.
#[derive(Clone, Debug, clap::Args)]
pub struct ExecutorArgs {
    /// Platforms, the default one first: agent=URL, or fake; repeatable
    #[arg(
        long = "platform",
        env = "BELLWETHER_PLATFORMS",
        value_name = "NAME=URL",
        value_delimiter = ',',
        default_value = "agent"
    )]
    pub platforms: Vec<PlatformArg>,

    /// The health-monitor; without one rollouts that need verdicts hold as MONITOR_LOST
    #[arg(long, env = "BELLWETHER_MONITOR", value_name = "URL")]
    pub monitor: Option<String>,

    /// Networks that HTTP hooks may call although they are not public; repeatable
    #[arg(long, value_name = "NETWORK")]
    pub hook_network: Vec<Network>,

    /// Programs that command hooks may name; repeatable
    #[arg(long, value_name = "NAME=PATH")]
    pub hook_command: Vec<AllowedCommand>,

    /// The user that command hooks run as [default: the executor's own]
    #[arg(long, value_name = "UID:GID")]
    pub hook_user: Option<RunAs>,

    /// Serve the hands of the fake platform here, for tests
    #[arg(long, value_name = "ADDRESS", hide = true)]
    pub fake_control: Option<SocketAddr>,
}

/// A platform on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlatformArg {
    /// An agent.
    Agent {
        /// How targets name it.
        name: String,
        /// Where it is.
        url: String,
    },
    /// In memory, for trying things out: nothing runs.
    Fake,
}

/// What an executor needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its journal's URL.
    pub journal: String,
    /// Wait until the journal's present owner is gone instead of refusing to start.
    pub standby: bool,
    /// The token by which services know each other; none: none is sent.
    pub service_token: Option<PathBuf>,
    /// Everything else.
    pub args: ExecutorArgs,
}

// === impl PlatformArg ===

impl FromStr for PlatformArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None if text == "fake" => Ok(Self::Fake),
            None if text == "agent" => Ok(Self::Agent { name: text.into(), url: AGENT.into() }),
            Some((name, url)) if !name.is_empty() && url.contains("://") => {
                Ok(Self::Agent { name: name.into(), url: url.into() })
            }
            _ => Err("expected agent, NAME=URL of an agent, or fake".into()),
        }
    }
}

// === impl Config ===

impl Config {
    /// As the command line says.
    pub fn new(serve: &ServeArgs, args: ExecutorArgs) -> Self {
        Self {
            journal: serve.journal_url(NAME),
            standby: serve.standby,
            service_token: serve.service_token(),
            args,
        }
    }

    /// The parts of an executor.
    ///
    /// # Errors
    /// A URL or a file that is none; the address of the fake's control is taken.
    pub(crate) async fn parts(
        &self,
        env: &Env,
        metrics: Metrics,
        shutdown: Shutdown,
    ) -> anyhow::Result<Parts> {
        let policy = AddressPolicy::allowing(self.args.hook_network.clone());
        let commands = AllowList::new(self.args.hook_command.clone(), self.args.hook_user);
        Ok(Parts {
            drivers: self.drivers(env, &shutdown).await?,
            monitor: self.monitor()?,
            hooks: Hooks::new(policy, commands)?,
            metrics,
            shutdown,
        })
    }

    async fn drivers(&self, env: &Env, shutdown: &Shutdown) -> anyhow::Result<Drivers> {
        let mut drivers = Drivers::new();
        for platform in &self.args.platforms {
            drivers = match platform {
                PlatformArg::Agent { name, url } => {
                    let transport = self.transport(url).with_context(|| format!("platform {name}"))?;
                    drivers.with(name, Arc::new(AgentDriver::new(transport, env.clone())))
                }
                PlatformArg::Fake => {
                    let fake = Fake::new(env.clone());
                    if let Some(address) = self.args.fake_control {
                        fake_control::serve(address, fake.control(), shutdown.clone()).await?;
                    }
                    drivers.with("fake", Arc::new(fake))
                }
            };
        }
        Ok(drivers)
    }

    fn monitor(&self) -> anyhow::Result<Option<Arc<dyn MonitorSource>>> {
        let Some(url) = &self.args.monitor else { return Ok(None) };
        let transport = self.transport(url).context("the health-monitor")?;
        Ok(Some(Arc::new(GrpcMonitor::new(transport))))
    }

    fn transport(&self, url: &str) -> Result<Transport, TransportError> {
        Transport::builder(url).service(NAME).service_token_file(self.service_token.as_ref()).build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_agents_or_the_fake() {
        assert_eq!("fake".parse(), Ok(PlatformArg::Fake));
        let named = PlatformArg::Agent { name: "west".into(), url: "http://10.0.0.1:7450".into() };
        assert_eq!("west=http://10.0.0.1:7450".parse(), Ok(named));
        for wrong in ["", "docker", "=http://x", "agent=nowhere"] {
            assert!(wrong.parse::<PlatformArg>().is_err(), "{wrong}");
        }
    }
}
