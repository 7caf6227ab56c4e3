//! One seed of the simulation: planner, executor, monitor, notifier, a platform and a receiver of webhooks as separate
//! hosts that talk real gRPC and HTTP over a simulated network, while hosts crash and the network is cut, held up and
//! slow. Then the faults stop, and everything must come to the right end.
//!
//! One process runs one seed, because a process leaves traces in the next seed (task ids, for one). What happened is
//! the same to the byte for the same seed; `--trace` writes it down.

mod agent;
mod clock;
mod faults;
mod journal;
mod net;
mod outsider;
mod people;
mod repeat;
mod rules;
mod services;
mod shop;
mod trace;
mod verify;
mod web;
mod world;

use std::{error::Error, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::anyhow;
use clap::Parser;
use turmoil::Sim;

use crate::{faults::Faults, world::World};

/// Simulates everything, with everything that may go wrong.
#[derive(Parser)]
struct Arguments {
    /// What decides everything.
    #[arg(long)]
    seed: u64,
    /// For how many seconds things go wrong.
    #[arg(long, default_value_t = 90)]
    faults: u64,
    /// Write what happened there.
    #[arg(long)]
    trace: Option<PathBuf>,
    /// Log to stderr as RUST_LOG says.
    #[arg(long)]
    log: bool,
}

/// How far the network's time goes on at once.
const TICK: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match repeat::repeatable() {
        Ok(None) => {}
        Ok(Some(code)) => return code,
        Err(error) => {
            eprintln!("a seed cannot be repeated here: {error:#}");
            return ExitCode::FAILURE;
        }
    }
    if arguments.log {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    println!("SEED={}", arguments.seed);
    match simulate(&arguments) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("SEED={}: {error:#}", arguments.seed);
            ExitCode::FAILURE
        }
    }
}

fn simulate(arguments: &Arguments) -> anyhow::Result<String> {
    let world = World::new(arguments.seed)?;
    let until = Duration::from_secs(arguments.faults);
    let mut sim = network(arguments.seed, until);
    inhabit(&mut sim, &world, until);
    let mut faults = Faults::new(arguments.seed, until);
    let ran = loop {
        faults.act(&mut sim, &world);
        match sim.step() {
            Ok(false) => {}
            Ok(true) => break Ok(()),
            Err(error) => break Err(anyhow!(chain(&*error))),
        }
    };
    let elapsed = sim.elapsed();
    let verified = ran.and_then(|()| verify::all(&world));
    if let Some(path) = &arguments.trace {
        std::fs::write(path, world.trace().text())?;
    }
    verified.map(|()| summary(&world, elapsed))
}

/// An error with all its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let causes = std::iter::successors(error.source(), |it| (*it).source());
    causes.for_each(|it| text.push_str(&format!(": {it}")));
    text
}

fn network(seed: u64, until: Duration) -> Sim<'static> {
    turmoil::Builder::new()
        .rng_seed(seed)
        .tick_duration(TICK)
        .simulation_duration(until + people::TELLING * 2)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(faults::LATENCY)
        .tcp_capacity(4096)
        .enable_random_order()
        .build()
}

fn inhabit(sim: &mut Sim<'static>, world: &World, quiet_from: Duration) {
    macro_rules! host {
        ($name:expr, $software:path) => {
            let world_of = world.clone();
            sim.host($name, move || {
                let world = world_of.clone();
                async move { Ok($software(world).await?) }
            });
        };
    }
    host!(World::MONITOR, services::monitor);
    host!(World::PLATFORM, services::platform);
    host!(World::EXECUTOR, services::executor);
    host!(World::PLANNER, services::planner);
    host!(World::NOTIFIER, services::notifier);
    host!(World::RECEIVER, web::receive);
    host!(World::OUTSIDER, outsider::follow);
    let world = world.clone();
    sim.client(World::PEOPLE, async move { Ok(people::live(world, quiet_from).await?) });
}

fn summary(world: &World, elapsed: Duration) -> String {
    let (story, ledger) = (world.story(), world.ledger());
    let commits: usize = ledger.values().map(Vec::len).sum();
    format!(
        "{} releases, {commits} events, {} messages, {} states checked, {:.1} simulated seconds",
        story.releases.len(),
        world.received().len(),
        world.rules().checked(),
        elapsed.as_secs_f64()
    )
}
