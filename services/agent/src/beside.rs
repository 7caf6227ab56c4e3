//! The agent beside other processes: started in a session of its own, so that it outlives who started it, and found
//! again by its lock file.

use std::{
    ffi::OsString,
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use bellwether_clock::Env;
use rustix::process::Signal;
use thiserror::Error;
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::supervisor::{Holder, Lock};

/// How often it is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// An agent that does not serve within this will not.
const START_WITHIN: Duration = Duration::from_secs(20);

/// Why the agent was not started or stopped.
#[derive(Debug, Error)]
pub enum StartError {
    /// The program cannot be started.
    #[error("the agent cannot be started")]
    Spawn(#[source] io::Error),
    /// It ended, or does not serve.
    #[error("the agent does not serve: see {}", log.display())]
    Silent {
        /// Its log.
        log: PathBuf,
    },
    /// It does not end.
    #[error("the agent does not end")]
    Lingers,
}

/// The agent that runs on a data directory; none: there is none.
pub fn find(data_dir: &Path) -> Option<Holder> {
    Lock::holder(&data_dir.join("agent"))
}

/// The agent that runs on a data directory, started where there is none: this program, with `words` (those that lead
/// to `supervisor …`, and its options). Its output goes to `agent/agent.log`.
///
/// # Errors
/// It cannot be started, or does not serve.
pub async fn start(data_dir: &Path, words: &[OsString], env: &Env) -> Result<Holder, StartError> {
    if let Some(holder) = find(data_dir) {
        return Ok(holder);
    }
    let directory = data_dir.join("agent");
    std::fs::create_dir_all(&directory).map_err(StartError::Spawn)?;
    let log = directory.join("agent.log");
    let mut child = spawn(words, &log).map_err(StartError::Spawn)?;
    let begun = env.now();
    loop {
        if let Some(holder) = find(data_dir) {
            return Ok(holder);
        }
        let ended = child.try_wait().map_err(StartError::Spawn)?.is_some();
        // another may have been started at the same time; then that one is found
        if (ended && find(data_dir).is_none()) || env.since(begun) > START_WITHIN {
            return Err(StartError::Silent { log });
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Ends the agent of a data directory, with its gateway and all instances; nothing happens where there is none.
///
/// # Errors
/// It does not end within `within`.
pub async fn stop(data_dir: &Path, within: Duration, env: &Env) -> Result<(), StartError> {
    let Some(holder) = find(data_dir) else {
        return Ok(());
    };
    holder.process.signal(Signal::QUIT);
    let begun = env.now();
    while holder.process.is_alive() {
        if env.since(begun) > within {
            return Err(StartError::Lingers);
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

fn spawn(words: &[OsString], log: &Path) -> io::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log)?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(words).arg("--own-session").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    command.spawn()
}
