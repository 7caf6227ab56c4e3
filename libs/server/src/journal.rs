//! What every service does with its journal.

use std::{sync::Arc, time::Duration};

use bellwether_clock::spawn;
use bellwether_journal::{Health, Journal, OpenError, Options};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::watch;

use crate::{Metrics, Readiness, Shutdown, StartError};

const HOUR: Duration = Duration::from_secs(3600);

/// Opens the journal of the service of this name, and counts what is committed to it.
///
/// # Errors
/// The [`StartError`] with the exit code that belongs to it.
pub async fn open_journal(
    service: &str,
    url: &str,
    options: Options,
    metrics: &Metrics,
) -> Result<Arc<dyn Journal>, StartError> {
    let journal = bellwether_journal::open(url, options).await.map_err(|error| not_opened(service, error))?;
    let name = format!("{}_committed_events", service.replace('-', "_"));
    let counter = metrics.counter(&name, "Events committed to the journal, since it was begun");
    spawn("count commits", count(journal.head(), counter));
    Ok(journal)
}

/// Positions are dense, so the head is their count. Ends with the journal.
async fn count(mut head: watch::Receiver<u64>, counter: Counter) {
    loop {
        let position = *head.borrow_and_update();
        counter.inc_by(position.saturating_sub(counter.get()));
        if head.changed().await.is_err() {
            return;
        }
    }
}

/// The service of this full name is ready while its journal takes commits. Ends with the journal.
pub async fn follow_journal(journal: Arc<dyn Journal>, readiness: Readiness, grpc_name: &'static str) {
    let mut health = journal.health();
    // so that this does not outlive it
    drop(journal);
    loop {
        let reason = match *health.borrow_and_update() {
            Health::Serving => None,
            Health::DiskFull => Some("DISK_FULL"),
            Health::Fenced => Some("FENCED"),
            Health::Failed => Some("STORAGE_FAILED"),
            Health::Closed => Some("CLOSED"),
        };
        match reason {
            None => readiness.ready(grpc_name),
            Some(reason) => readiness.not_ready(grpc_name, reason),
        }
        if health.changed().await.is_err() {
            return;
        }
    }
}

/// Fires `shutdown` once the journal will never take a commit again: a service whose journal is another's must not do
/// what that one does.
pub async fn stop_with_journal(journal: Arc<dyn Journal>, shutdown: Shutdown) {
    let mut health = journal.health();
    let ended = health.wait_for(|health| health.is_final()).await.map(|health| *health);
    if let Ok(health @ (Health::Fenced | Health::Failed)) = ended {
        tracing::error!(?health, "the journal is lost; the service stops");
    }
    shutdown.trigger();
}

/// Removes from the journal what retention allows, once an hour until `shutdown`.
pub async fn trim_hourly(journal: Arc<dyn Journal>, shutdown: Shutdown) {
    let trim = || async {
        match journal.trim().await {
            Ok(trimmed) => tracing::info!(trimmed.events, trimmed.requests, "retention"),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "retention did not succeed");
            }
        }
    };
    hourly(shutdown, trim).await;
}

/// Does this once an hour until `shutdown`.
pub async fn hourly<F: Future<Output = ()>>(shutdown: Shutdown, what: impl Fn() -> F) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(HOUR) => what().await,
            () = shutdown.triggered() => return,
        }
    }
}

fn not_opened(service: &str, error: OpenError) -> StartError {
    match error {
        OpenError::Owned { path, pid, epoch } => StartError::JournalOwned {
            journal: path.display().to_string(),
            owner: format!("process {pid}, epoch {epoch}"),
        },
        OpenError::NewerSchema { found, known, .. } => StartError::NewerSchema { found, known },
        OpenError::Directory { path, source } => StartError::DataDir { path, source },
        other => StartError::Journal { journal: format!("of the {service}"), source: other.into() },
    }
}

#[cfg(test)]
mod tests {
    use bellwether_clock::Env;

    use super::*;

    const NAME: &str = "bellwether.test.v1.TestService";

    async fn open(url: &str) -> Result<Arc<dyn Journal>, StartError> {
        open_journal("test", url, Options::new(Env::system()), &Metrics::new()).await
    }

    #[tokio::test]
    async fn a_service_is_ready_as_long_as_its_journal_and_stops_with_it() {
        let (readiness, shutdown) = (Readiness::new(), Shutdown::new());
        readiness.start();
        readiness.not_ready(NAME, "STARTING");
        let journal = open("memory:").await.unwrap();
        let follows = spawn("test", follow_journal(journal.clone(), readiness.clone(), NAME));
        let stops = spawn("test", stop_with_journal(journal.clone(), shutdown.clone()));
        while !readiness.missing().is_empty() {
            tokio::task::yield_now().await;
        }
        assert!(!shutdown.is_triggered());

        journal.close().await;
        shutdown.triggered().await;
        drop(journal);
        stops.await.unwrap();
        follows.await.unwrap();
        assert_eq!(readiness.missing().get(NAME).map(String::as_str), Some("CLOSED"));
    }

    #[tokio::test]
    async fn a_journal_of_another_process_has_an_exit_code_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("test.db").display());
        let first = open(&url).await.unwrap();
        assert_eq!(open(&url).await.err().map(|error| error.exit_code()), Some(14));
        first.close().await;
        let error = open("nowhere:").await.err().unwrap();
        assert_eq!(
            (error.exit_code(), error.to_string().as_str()),
            (15, "cannot open the journal of the test")
        );
    }
}
