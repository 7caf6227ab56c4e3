//! Deciding and steering.

use clap::Args;

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

/// Nobody should have to think of a reason at 3 a.m.
const NO_REASON: &str = "no reason given";
