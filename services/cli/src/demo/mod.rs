//! `bellwether demo`: everything at work, on real processes and real requests.

mod application;
mod measure;
mod play;
pub mod report;
pub mod script;
pub mod shop;
mod shop_metrics;
mod shop_otlp;
mod shop_work;
mod stage;

use std::path::PathBuf;

use bellwether_clock::Env;

use self::{play::Play, report::Report, stage::Stage};
use crate::{exit::Exit, render};

/// What `demo` is told.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Write the table as JSON into this file.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Requests per second.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(20..=5000))]
    rps: u32,
}

/// Plays all scenes, prints the table, and leaves nothing behind, also on Ctrl-C.
///
/// # Errors
/// When something cannot be started, or a service answers with an error.
pub async fn run(env: Env, args: &DemoArgs) -> anyhow::Result<Exit> {
    let stage = Stage::set(&env).await?;
    let played = tokio::select! {
        played = play(&stage, &env, args.rps) => Some(played),
        _ = tokio::signal::ctrl_c() => None,
    };
    stage.clear().await?;
    let Some(played) = played else { return Ok(Exit::Interrupted) };
    let report = played?;
    render::line(&format!("\n{}", report.table()))?;
    if let Some(file) = &args.report {
        report.write(file)?;
    }
    Ok(if report.all_as_expected() { Exit::Ok } else { Exit::Failure })
}

async fn play(stage: &Stage, env: &Env, rps: u32) -> anyhow::Result<Report> {
    render::line(&format!(
        "Bellwether's demonstration: {} instances of a shop, {rps} requests/s",
        application::INSTANCES
    ))?;
    render::line(script::SHORTENED)?;
    let mut play = Play::begin(stage, env.clone(), rps).await?;
    let mut report = Report::default();
    for scene in &script::SCENES {
        report.rollouts.push(play.scene(scene).await?);
    }
    Ok(report)
}
