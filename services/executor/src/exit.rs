//! How the process ends where it cannot serve.

use bellwether_journal::OpenError;
use bellwether_server::StartError;

use crate::shell::Stop;

/// A journal that could not be opened, with the exit code that belongs to it.
pub(crate) fn not_opened(error: OpenError) -> StartError {
    match error {
        OpenError::Owned { path, pid, epoch } => StartError::JournalOwned {
            journal: path.display().to_string(),
            owner: format!("process {pid}, epoch {epoch}"),
        },
        OpenError::NewerSchema { found, known, .. } => StartError::NewerSchema { found, known },
        OpenError::Directory { path, source } => StartError::DataDir { path, source },
        other => StartError::Journal { journal: "of the executor".into(), source: other.into() },
    }
}

/// The error that ends a process whose executor had to stop, with the exit code that belongs to it.
pub fn stop_error(stop: Stop) -> anyhow::Error {
    let exit_code = match stop {
        Stop::Fenced => 20,
        Stop::JournalOlderThanPlatform { .. } => 21,
        Stop::JournalFailed => 22,
    };
    StartError::Stopped { exit_code, source: stop.into() }.into()
}
