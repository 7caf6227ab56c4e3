//! The gateway's process.

use std::{os::fd::AsFd, path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use bellwether_clock::{Env, spawn};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    net::UnixListener,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use super::{commands::Commands, listeners::Listeners, state::State, worker::Workers};

/// How exactly a drain's deadline is met.
const TICK: Duration = Duration::from_millis(100);
/// Told to end by the system, not by a supervisor.
const ON_TERMINATE: Duration = Duration::from_secs(30);
/// Past the deadline, for connections to say their last words.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How a gateway is started. Its control socket is its standard input: the supervisor has bound it already, so
/// that it can be spoken to from the first moment.
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// The routing table's file.
    #[arg(long)]
    pub table: PathBuf,
    /// Threads that serve requests; 0: one for each core.
    #[arg(long, default_value_t = 0)]
    pub workers: usize,
}

/// Serves until it is replaced or told to end.
///
/// # Errors
/// Standard input is no control socket; threads cannot be started.
pub fn run(options: &Options, env: &Env) -> anyhow::Result<()> {
    let control = std::io::stdin().as_fd().try_clone_to_owned().context("standard input")?;
    let control = std::os::unix::net::UnixListener::from(control);
    control.set_nonblocking(true).context("standard input is no control socket")?;
    let workers = match options.workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        workers => workers,
    };
    let state = Arc::new(State::new(env.clone(), workers, options.table.clone()));
    let threads = Arc::new(Workers::start(workers, &state).context("workers")?);
    let listeners = Arc::new(Listeners::new(threads, max_connections()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(control, Commands { state, listeners }))
}

async fn serve(control: std::os::unix::net::UnixListener, commands: Commands) -> anyhow::Result<()> {
    let state = commands.state.clone();
    let control = UnixListener::from_std(control).context("standard input is no control socket")?;
    spawn("commands", commands.clone().serve(control));
    spawn("housekeeping", housekeeping(state.clone()));
    let mut terminate = signal(SignalKind::terminate())?;
    let retiring = state.retiring.subscribe();
    tokio::select! {
        _ = retiring.begun() => {}
        _ = terminate.recv() => {
            commands.listeners.stop();
            state.retiring.begin(ON_TERMINATE);
        }
    }
    tokio::select! {
        () = quiet(&state) => {}
        () = retiring.deadline() => tokio::time::sleep(LAST_WORDS).await,
    }
    Ok(())
}

async fn quiet(state: &State) {
    let mut tick = interval(TICK);
    while !state.is_quiet() {
        tick.tick().await;
    }
}

async fn housekeeping(state: Arc<State>) {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for ticks in 1_u64.. {
        tick.tick().await;
        state.cut_overdue();
        if ticks.is_multiple_of(10) {
            state.sweep();
            state.tls.reload(&state.table.load().entries);
        }
    }
}

/// As many as the system lets be open: each client connection may need another one to an instance.
fn max_connections() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let wanted = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    let files = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(1 << 20);
    (files.min(1 << 20) / 2).saturating_sub(64).max(16)
}
