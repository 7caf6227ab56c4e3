//! What the notifier is told.

use std::path::PathBuf;

use anyhow::Context as _;
use bellwether_client::{Transport, TransportError};
use bellwether_egress::{AddressPolicy, Limits, Network};
use bellwether_server::ServeArgs;

use crate::{
    follow::Sources,
    outbox::{Keep, RetryPolicy},
    send::BreakerPolicy,
    service::NAME,
};

/// The notifier's own command line.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct NotifierArgs {
    /// The release-planner; without one nothing is told of releases
    #[arg(long, env = "BELLWETHER_PLANNER", value_name = "URL")]
    pub planner: Option<String>,

    /// The executor; without one nothing is told of rollouts and targets
    #[arg(long, env = "BELLWETHER_EXECUTOR", value_name = "URL")]
    pub executor: Option<String>,

    /// The health-monitor; without one nothing is told of verdicts
    #[arg(long, env = "BELLWETHER_MONITOR", value_name = "URL")]
    pub monitor: Option<String>,

    /// Networks that webhooks may call although they are not public; repeatable
    #[arg(long, env = "BELLWETHER_WEBHOOK_NETWORKS", value_name = "NETWORK", value_delimiter = ',')]
    pub webhook_network: Vec<Network>,
}

/// What a notifier needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its journal's URL.
    pub journal: String,
    /// Wait until the journal's present owner is gone instead of refusing to start.
    pub standby: bool,
    /// The token by which services know each other; none: none is sent.
    pub service_token: Option<PathBuf>,
    /// Whom to follow, and what may be called.
    pub args: NotifierArgs,
    /// When failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// When a receiver is left alone.
    pub breaker: BreakerPolicy,
    /// How long deliveries that ended are kept.
    pub keep: Keep,
    /// What a call may cost.
    pub limits: Limits,
}

// === impl Config ===

impl Config {
    /// As the command line says.
    pub fn new(serve: &ServeArgs, args: NotifierArgs) -> Self {
        Self {
            journal: serve.journal_url(NAME),
            standby: serve.standby,
            service_token: serve.service_token(),
            args,
            retry: RetryPolicy::default(),
            breaker: BreakerPolicy::default(),
            keep: Keep::default(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn policy(&self) -> AddressPolicy {
        AddressPolicy::allowing(self.args.webhook_network.clone())
    }

    pub(crate) fn sources(&self) -> anyhow::Result<Sources> {
        Ok(Sources {
            planner: self.transport(self.args.planner.as_deref()).context("the release-planner")?,
            executor: self.transport(self.args.executor.as_deref()).context("the executor")?,
            monitor: self.transport(self.args.monitor.as_deref()).context("the health-monitor")?,
        })
    }

    fn transport(&self, url: Option<&str>) -> Result<Option<Transport>, TransportError> {
        let Some(url) = url else { return Ok(None) };
        let builder = Transport::builder(url).service(NAME);
        builder.service_token_file(self.service_token.as_ref()).build().map(Some)
    }
}
