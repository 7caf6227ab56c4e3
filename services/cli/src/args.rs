//! The command line.

use std::{path::PathBuf, time::Duration};

use bellwether_server::{Role, default_data_dir};
use clap::{Args, Parser, Subcommand};

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
    /// Create or change what a file describes: applications, environments, routing.
    Apply(ApplyArgs),
    /// List things: applications, environments, targets, rollouts, releases, analyses, holds.
    Get(GetArgs),
    /// Release a version.
    Release(ReleaseArgs),
    /// Show what a release would do, without doing it.
    Plan(ReleaseSpec),
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
    /// The agent's processes.
    #[command(hide = true, subcommand)]
    Agent(bellwether_agent::Command),
    /// The demonstration's application.
    #[command(hide = true)]
    DemoShop(ShopArgs),
}

#[derive(Debug, Args)]
pub struct InitArgs {
    /// The application's name.
    #[arg(default_value = "shop")]
    pub name: String,
    /// Where to write it.
    #[arg(long, short = 'f', default_value = "bellwether.yaml")]
    pub file: PathBuf,
    /// Overwrite a file that is there.
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// The YAML file; `-` reads standard input. `kind:` says what a document is (default Application).
    #[arg(long, short = 'f', required = true)]
    pub file: Vec<PathBuf>,
    /// Check only; change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct GetArgs {
    /// What to list.
    #[arg(value_enum)]
    pub what: What,
    /// A filter, e.g. `state = "RUNNING" AND environment = "production"`.
    #[arg(long, default_value = "")]
    pub filter: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum What {
    Applications,
    Environments,
    Targets,
    Rollouts,
    Releases,
    Analyses,
    Holds,
}

/// What to release.
#[derive(Debug, Clone, Args)]
pub struct ReleaseSpec {
    /// The application.
    pub application: String,
    /// The version, e.g. 1.4.2.
    #[arg(long, short = 'v')]
    pub version: String,
    /// The file to run. It is known by its digest: what runs is what was released.
    #[arg(long)]
    pub artifact: Option<PathBuf>,
    /// Upload the artifact to the agent instead of naming its path.
    #[arg(long, requires = "artifact")]
    pub upload: bool,
    /// Configuration of this release: NAME=VALUE, as an environment variable.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// A strategy other than the planned one.
    #[arg(long, value_enum)]
    pub strategy: Option<StrategyArg>,
    /// Release although the version that serves is unhealthy: for the release that mends it.
    #[arg(long)]
    pub allow_unhealthy_stable: bool,
    /// Release notes.
    #[arg(long, default_value = "")]
    pub notes: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum StrategyArg {
    Canary,
    BlueGreen,
    BlueGreenCanary,
    Rolling,
    Recreate,
}

#[derive(Debug, Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub spec: ReleaseSpec,
    /// Follow it to its end; the exit code says how it went.
    #[arg(long)]
    pub wait: bool,
    /// With --wait: at most this long, e.g. 90s, 20m.
    #[arg(long, value_parser = duration, default_value = "1h")]
    pub timeout: Duration,
    /// The same id again is the same release.
    #[arg(long, default_value = "")]
    pub request_id: String,
}

#[derive(Debug, Args)]
pub struct ThingArgs {
    /// An application, target (shop@production), rollout (shop@production-17) or release (releases/…). Nothing: everything.
    pub thing: Option<String>,
}

#[derive(Debug, Args)]
pub struct WatchArgs {
    /// An application, target, rollout or release.
    pub thing: String,
    /// End when it has ended.
    #[arg(long)]
    pub until_end: bool,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// An application (its newest release) or a release.
    pub thing: String,
    /// The environment; default: each that has not started.
    #[arg(long, short = 'e')]
    pub environment: Option<String>,
}

#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// An application (its newest release), a release, or a rollout that waits at a gate.
    pub thing: String,
    /// The environment; default: the one that waits for approval.
    #[arg(long, short = 'e')]
    pub environment: Option<String>,
    /// The gate's id, where a rollout has several open.
    #[arg(long)]
    pub gate: Option<String>,
    /// A value for the gate.
    #[arg(long)]
    pub value: Option<String>,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct PromoteArgs {
    /// An application (its newest release) or a release.
    pub thing: String,
    /// The environment.
    #[arg(long, short = 'e')]
    pub environment: String,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct ActionArgs {
    /// A target, a rollout, a release, or what the command speaks of.
    pub thing: String,
    /// Of a release: the environment; default: the one where it is at work.
    #[arg(long, short = 'e', default_value = "")]
    pub environment: String,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct PauseArgs {
    /// A target, a rollout or a release.
    pub thing: String,
    /// Of a release: the environment; default: the one where it is at work.
    #[arg(long, short = 'e', default_value = "")]
    pub environment: String,
    /// Finish the current step first.
    #[arg(long)]
    pub after_step: bool,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct AdvanceArgs {
    /// A target or a rollout.
    pub thing: String,
    /// To the end, not one step.
    #[arg(long)]
    pub all: bool,
    /// The step that you see; default: the one at work.
    #[arg(long)]
    pub step: Option<i32>,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct ResolveArgs {
    /// A target or a rollout.
    pub thing: String,
    /// What to do.
    #[arg(value_enum)]
    pub resolution: Resolution,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Resolution {
    /// The same step again.
    Retry,
    /// The next step; recorded as an override.
    Ignore,
    /// Back to the old version.
    RollBack,
    /// I do it by hand; nothing converges until it is handed back.
    TakenOver,
    /// Give a target that was taken over back.
    HandBack,
}

#[derive(Debug, Args)]
pub struct HoldArgs {
    /// The application; default: all.
    #[arg(long, short = 'a', default_value = "")]
    pub application: String,
    /// The environment; default: all.
    #[arg(long, short = 'e', default_value = "")]
    pub environment: String,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct VetoArgs {
    /// The application.
    pub application: String,
    /// The version.
    #[arg(long, short = 'v')]
    pub version: String,
    /// Why. It is recorded.
    #[arg(long, short = 'm', default_value = NO_REASON)]
    pub reason: String,
}

#[derive(Debug, Args)]
pub struct LogsArgs {
    /// The target, e.g. shop@production.
    pub target: String,
    /// Only this fleet (a rollout's id).
    #[arg(long, default_value = "")]
    pub fleet: String,
    /// Only this instance.
    #[arg(long, default_value = "")]
    pub instance: String,
    /// Lines of each instance.
    #[arg(long, short = 'n', default_value_t = 100)]
    pub lines: i32,
    /// Go on with new lines.
    #[arg(long, short = 'f')]
    pub follow: bool,
    /// The data directory, which names the agent.
    #[command(flatten)]
    pub agent: AgentAddress,
}

#[derive(Debug, Args)]
pub struct DeliveriesArgs {
    /// A filter, e.g. `receiver = "ops" AND state = "DEAD"`.
    #[arg(long, default_value = "")]
    pub filter: String,
    /// Send this delivery again.
    #[arg(long, value_name = "DELIVERY")]
    pub replay: Option<String>,
}

/// How to find the agent without any service.
#[derive(Debug, Clone, Args)]
pub struct AgentAddress {
    /// The data directory of `bellwether up`; its lock file says where the agent listens.
    #[arg(long, env = "BELLWETHER_DATA_DIR", default_value_os_t = default_data_dir())]
    pub data_dir: PathBuf,
    /// The agent's address, where it is known.
    #[arg(long, env = "BELLWETHER_AGENT")]
    pub agent: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token. It is shown once.
    Create {
        /// Who it is for, e.g. ada@example.com.
        principal: String,
        /// What kind of principal.
        #[arg(long, value_enum, default_value_t = TokenKind::Human)]
        kind: TokenKind,
        /// What its holder may do.
        #[arg(long = "role", value_enum, required = true)]
        roles: Vec<Role>,
        /// The team.
        #[arg(long, default_value = "")]
        team: String,
        /// The tokens file of the services [default: tokens.toml in the data directory].
        #[arg(long, env = "BELLWETHER_TOKENS")]
        tokens: Option<PathBuf>,
    },
    /// List who has tokens.
    List {
        /// The tokens file of the services [default: tokens.toml in the data directory].
        #[arg(long, env = "BELLWETHER_TOKENS")]
        tokens: Option<PathBuf>,
    },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum TokenKind {
    Human,
    Agent,
    Service,
}

#[derive(Debug, Subcommand)]
pub enum EmergencyCommand {
    /// Send all traffic to the stable version, past the executor. Nothing converges until `resolve … hand-back`.
    Route {
        /// The target, e.g. shop@production.
        target: String,
        /// Stable's share; 100 is the only one that is safe without the executor.
        #[arg(long, value_parser = clap::value_parser!(u8).range(100..=100))]
        stable: u8,
        /// A fleet to send it to instead (a rollout's id).
        #[arg(long, default_value = "")]
        fleet: String,
        /// Why.
        #[arg(long, short = 'm', default_value = "emergency")]
        reason: String,
        #[command(flatten)]
        agent: AgentAddress,
    },
}

/// Nobody should have to think of a reason at 3 a.m.
const NO_REASON: &str = "no reason given";

/// `90s`, `20m`, `1h30m`.
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| "a duration such as 90s, 20m, 1h30m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "not below zero".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_the_services_tell_people_to_type_is_understood() {
        for words in [
            "abort shop@production",
            "advance shop@production",
            "pause shop@production",
            "resolve shop@production hand-back",
            "rollback shop@production",
            "approve releases/01a20c7e-fdcd-7e61-9690-f702689429ab -e production",
            "promote 01a20c7e-fdcd-7e61-9690-f702689429ab --environment test",
            "cancel 01a20c7e-fdcd-7e61-9690-f702689429ab",
            "emergency route shop@production --stable 100",
            "token create ada --role viewer",
        ] {
            let parsed = Cli::try_parse_from(["bellwether"].into_iter().chain(words.split(' ')));
            assert!(parsed.is_ok(), "{words}: {}", parsed.err().map(|e| e.to_string()).unwrap_or_default());
        }
    }

    #[test]
    fn only_the_safe_emergency_is_offered() {
        let parsed =
            Cli::try_parse_from(["bellwether", "emergency", "route", "shop@production", "--stable", "50"]);
        assert!(parsed.is_err());
    }

    #[test]
    fn durations_are_those_that_people_write() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("-5s").is_err() && duration("soon").is_err());
    }
}
