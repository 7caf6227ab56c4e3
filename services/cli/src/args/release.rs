//! Making, looking at and following things.

use std::{path::PathBuf, time::Duration};

use clap::Args;

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

/// `90s`, `20m`, `1h30m`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration =
        text.parse().map_err(|_| "a duration such as 90s, 20m, 1h30m".to_owned())?;
    Duration::try_from(parsed).map_err(|_| "not below zero".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_that_people_write() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert!(duration("-5s").is_err() && duration("soon").is_err());
    }
}
