//! How the process ends where it cannot serve.

use bellwether_server::StartError;

use crate::shell::Stop;

/// The error that ends a process whose executor had to stop, with the exit code that belongs to it.
pub fn stop_error(stop: Stop) -> anyhow::Error {
    let exit_code = match stop {
        Stop::Fenced => 20,
        Stop::JournalOlderThanPlatform { .. } => 21,
        Stop::JournalFailed => 22,
    };
    StartError::Stopped { exit_code, source: stop.into() }.into()
}
