//! What the planner is told.

use std::path::PathBuf;

use bellwether_client::{Transport, TransportError};
use bellwether_server::ServeArgs;

use crate::service::NAME;

/// The planner's own command line.
#[derive(Clone, Debug, clap::Args)]
pub struct PlannerArgs {
    /// The executor that carries plans out
    #[arg(long, env = "BELLWETHER_EXECUTOR", value_name = "URL", default_value = "http://127.0.0.1:7441")]
    pub executor: String,

    /// The health-monitor that says how long bakes must be; without one the risk band says so
    #[arg(long, env = "BELLWETHER_MONITOR", value_name = "URL")]
    pub monitor: Option<String>,
}

/// What a planner needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its journal's URL.
    pub journal: String,
    /// Wait until the journal's present owner is gone instead of refusing to start.
    pub standby: bool,
    /// The token by which services know each other; none: none is sent.
    pub service_token: Option<PathBuf>,
    /// Everything else.
    pub args: PlannerArgs,
}

// === impl Config ===

impl Config {
    /// As the command line says.
    pub fn new(serve: &ServeArgs, args: PlannerArgs) -> Self {
        Self {
            journal: serve.journal_url(NAME),
            standby: serve.standby,
            service_token: serve.service_token(),
            args,
        }
    }

    /// To the executor, as the planner.
    pub(crate) fn executor(&self) -> Result<Transport, TransportError> {
        self.transport(&self.args.executor)
    }

    /// To the health-monitor, as the planner.
    pub(crate) fn monitor(&self) -> Result<Option<Transport>, TransportError> {
        self.args.monitor.as_deref().map(|url| self.transport(url)).transpose()
    }

    fn transport(&self, url: &str) -> Result<Transport, TransportError> {
        let builder = Transport::builder(url).service(NAME);
        builder.service_token_file(self.service_token.as_ref()).build()
    }
}
