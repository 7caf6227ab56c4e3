//! The command line.

mod judge;
mod power;
mod probe;
mod release;
mod steer;
mod tools;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use self::{judge::*, power::*, probe::*, release::*, steer::*, tools::*};
use crate::{demo::shop::ShopArgs, render::Format};

/// Releases software, watches it, and takes it back when the numbers turn bad.
///
/// Exit codes: 0 all is well; 1 something failed; 2 wrong command line; 3 the input was refused; 4 no such thing; 5 not now (wrong
/// state, stale etag, closed gate); 6 the server cannot be reached; 7 not allowed. `up`: 10 to 29, why it does not
/// start. With --wait: 30 taken back; 31 rejected, cancelled, superseded or expired; 32 the time was over; 33 failed and not taken
/// back; 34 a person must decide.
#[derive(Debug, Parser)]
#[command(name = "bellwether", version, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Where the services are.
    #[arg(
        long,
        short = 's',
        global = true,
        env = "BELLWETHER_SERVER",
        default_value = "http://127.0.0.1:7420"
    )]
    pub server: String,
    /// Where the planner is, when the services are processes of their own [default: --server].
    #[arg(long, global = true, env = "BELLWETHER_PLANNER", value_name = "URL", hide_short_help = true)]
    pub planner_url: Option<String>,
    /// Where the executor is [default: --server].
    #[arg(long, global = true, env = "BELLWETHER_EXECUTOR", value_name = "URL", hide_short_help = true)]
    pub executor_url: Option<String>,
    /// Where the health-monitor is [default: --server].
    #[arg(long, global = true, env = "BELLWETHER_MONITOR", value_name = "URL", hide_short_help = true)]
    pub monitor_url: Option<String>,
    /// Where the notifier is [default: --server].
    #[arg(long, global = true, env = "BELLWETHER_NOTIFIER", value_name = "URL", hide_short_help = true)]
    pub notifier_url: Option<String>,
    /// A file with the bearer token to show; without one the caller is `local` on loopback.
    #[arg(long, global = true, env = "BELLWETHER_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// How to print.
    #[arg(long, short = 'o', global = true, value_enum, default_value_t)]
    pub output: Format,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run all services and the embedded platform on this machine.
    Up(crate::up::UpArgs),
    /// Show what Bellwether does: good and bad releases of a small shop under load, in under two minutes.
    Demo(crate::demo::DemoArgs),
    /// Write an application file to start from.
    Init(InitArgs),
    /// Create or change what a file describes: applications, environments, probes, routing.
    Apply(ApplyArgs),
    /// List things: applications, environments, targets, rollouts, releases, analyses, holds.
    Get(GetArgs),
    /// Release a version.
    Release(ReleaseArgs),
    /// Show what a release would do, without doing it.
    Plan(ReleaseSpec),
    /// How long a share of traffic needs to show a fault, and to pass without one.
    Power(PowerArgs),
    /// Is traffic safe, since when, and what can I do?
    Status(ThingArgs),
    /// Follow a rollout or release live.
    Watch(WatchArgs),
    /// Why is it in this state?
    Why(ThingArgs),
    /// What a release waits for, and what would open it.
    Explain(ExplainArgs),
    /// Approve a release for an environment, or a rollout's gate.
    Approve(ApproveArgs),
    /// Refuse a release, or a rollout's gate.
    Reject(ApproveArgs),
    /// Send a release on into an environment.
    Promote(PromoteArgs),
    /// Hold a rollout: nothing goes forward until it is resumed.
    Pause(PauseArgs),
    /// Lift a pause.
    Resume(ActionArgs),
    /// Skip what a rollout's current step waits for.
    Advance(AdvanceArgs),
    /// Take a rollout in flight back to the old version.
    Abort(ActionArgs),
    /// Take a finished rollout back.
    Rollback(ActionArgs),
    /// Answer a rollout or target that needs an operator.
    Resolve(ResolveArgs),
    /// End a release that has not started yet.
    Cancel(ActionArgs),
    /// Stop the line: nothing starts until the hold is released.
    Hold(HoldArgs),
    /// Release a hold.
    Unhold(ActionArgs),
    /// Never start this version again.
    Veto(VetoArgs),
    /// The lines that instances wrote.
    Logs(LogsArgs),
    /// What was told to whom, and whether it arrived.
    Deliveries(DeliveriesArgs),
    /// When would another policy have decided? Judges what was recorded of a rollout once more.
    Replay(ReplayArgs),
    /// Try policies of health.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Judge what serves now by a policy, without a rollout; or what was recorded of one.
    Analyze(AnalyzeArgs),
    /// What the monitor tries itself: journeys and signs of life.
    #[command(subcommand)]
    Probe(ProbeCommand),
    /// Is the server ready? Exit code 0 or 6; for health checks.
    Health,
    /// Make and list tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Move traffic with every service dead.
    #[command(subcommand)]
    Emergency(EmergencyCommand),
    /// Stop what `up` runs, and with it the instances, the gateway and the agent.
    Down(crate::up::DownArgs),
    /// The demonstration's application.
    #[command(hide = true)]
    DemoShop(ShopArgs),
}

#[cfg(test)]
mod tests;
