//! Benchmarks: `bench NAME [--reduced]`. Each measures real processes, prints a table, and writes
//! `target/bench/NAME.json`. What misses its goal is said, and is no failure; what goes wrong is one.
//!
//! One program is what measures and what is measured: under the words that `bellwether` starts itself with, it is
//! `bellwether`. So a benchmark never measures a build other than its own.

mod anomaly;
mod detection;
mod direct;
mod figures;
mod gateway;
mod idle;
mod instance;
mod journal;
mod judge;
mod monitor;
mod on_agent;
mod on_fake;
mod resources;
mod resume;
mod rollback;
mod rollouts;
mod run;
mod stats;
mod watchers;
mod zero_downtime;

use std::{path::PathBuf, process::ExitCode};

use bellwether_server::install_crypto_provider;
use clap::Parser;

use crate::{figures::Figures, run::Run};

/// Measures Bellwether.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    /// What to measure.
    #[arg(value_enum)]
    name: Name,
    /// A short form, for CI: measures for real, but less of it.
    #[arg(long)]
    reduced: bool,
    /// Where the labelled series are (anomaly): a directory with `windows.json` and `data/`.
    #[arg(long, env = "BENCH_NAB")]
    data: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    Rollback,
    Detection,
    ZeroDowntime,
    Gateway,
    Journal,
    Rollouts,
    Watchers,
    Resume,
    Idle,
    Judge,
    Monitor,
    Anomaly,
}

fn main() -> ExitCode {
    let done = match std::env::args().nth(1).as_deref() {
        Some("up" | "down" | "agent" | "demo-shop") => return bellwether::main(),
        Some(monitor::PROGRAM) => return monitor::program(),
        Some(monitor::DAY) => return monitor::day(),
        Some(instance::WORD) => instance::main(),
        _ => carry_out(&Arguments::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn carry_out(arguments: &Arguments) -> anyhow::Result<()> {
    install_crypto_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let run = Run::new(arguments.reduced)?;
    let name = arguments.name.to_string();
    eprintln!("{name}: on {}", run.machine);
    let figures = runtime.block_on(measure(arguments, &run))?;
    figures.print(&name);
    figures.write(&name, &run)
}

async fn measure(arguments: &Arguments, run: &Run) -> anyhow::Result<Figures> {
    match arguments.name {
        Name::Rollback => rollback::measure(run).await,
        Name::Detection => detection::measure(run).await,
        Name::ZeroDowntime => zero_downtime::measure(run).await,
        Name::Gateway => gateway::measure(run).await,
        Name::Journal => journal::measure(run).await,
        Name::Rollouts => rollouts::measure(run).await,
        Name::Watchers => watchers::measure(run).await,
        Name::Resume => resume::measure(run).await,
        Name::Idle => idle::measure(run).await,
        Name::Judge => judge::measure(run).await,
        Name::Monitor => monitor::measure(run).await,
        Name::Anomaly => anomaly::measure(run, arguments.data.as_deref()),
    }
}

// === impl Name ===

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = clap::ValueEnum::to_possible_value(self);
        f.write_str(value.as_ref().map_or("", clap::builder::PossibleValue::get_name))
    }
}
