//! Probes.

use clap::{Args, Subcommand};

use super::ApplyArgs;

#[derive(Debug, Subcommand)]
pub enum ProbeCommand {
    /// Create or change the probes that a file describes: the same as `bellwether apply`.
    Apply(ApplyArgs),
    /// List probes and how they do.
    List {
        /// A filter, e.g. `application = "shop" AND environment = "production"`.
        #[arg(long, default_value = "")]
        filter: String,
    },
    /// End a probe.
    Delete(DeleteProbeArgs),
}

#[derive(Debug, Args)]
pub struct DeleteProbeArgs {
    /// Its id.
    pub probe: String,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = "no reason given")]
    pub reason: String,
}
