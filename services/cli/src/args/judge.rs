//! Policies of health: against what was recorded, and against what is there now.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The rollout, e.g. shop@production-17; or an analysis, analyses/….
    pub thing: String,
    /// The policy: a file with `kind: HealthPolicy`, or an application's file [default: the one that it had].
    #[arg(long, short = 'p')]
    pub policy: Option<PathBuf>,
    /// Draw what was seen and how the evidence grew.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Which faults would a policy miss, and how late would it see the others? Puts them into what was recorded of a good rollout.
    Test(PolicyTestArgs),
}

#[derive(Debug, Args)]
pub struct PolicyTestArgs {
    /// The policy: a file with `kind: HealthPolicy`, or an application's file.
    pub policy: PathBuf,
    /// A good rollout, e.g. shop@production-17; or an analysis, analyses/….
    #[arg(long, short = 'r')]
    pub rollout: String,
    /// When the faults begin, after the rollout did.
    #[arg(long, default_value = "30s", value_parser = super::duration)]
    pub after: std::time::Duration,
}

#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    /// The target, e.g. shop@production; with --recorded a rollout.
    pub thing: String,
    /// The policy: a file with `kind: HealthPolicy`, or an application's file [default: the default policy].
    #[arg(long, short = 'p')]
    pub policy: Option<PathBuf>,
    /// Judge what was recorded of a rollout instead of what is there now.
    #[arg(long, conflicts_with_all = ["candidate", "baseline", "lasting"])]
    pub recorded: bool,
    /// The fleet to judge (a rollout's id) [default: what serves].
    #[arg(long)]
    pub candidate: Option<String>,
    /// The fleet to compare it with [default: its own past, and the policy's limits].
    #[arg(long)]
    pub baseline: Option<String>,
    /// How long to look.
    #[arg(long = "for", default_value = "60s", value_parser = super::duration)]
    pub lasting: std::time::Duration,
    /// Draw what was seen and how the evidence grew.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}
