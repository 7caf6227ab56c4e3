//! What runs beside a server, as long as it.

use std::path::PathBuf;

use bellwether_clock::spawn;
use tokio::task::JoinHandle;
use tonic_health::server::HealthReporter;

use crate::{Identities, Readiness, ServeConfig, Shutdown, reload, tls::Tls};

/// Tasks that end when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Background(Vec<JoinHandle<()>>);

// === impl Background ===

impl Background {
    /// Takes readiness away when `shutdown` fires.
    pub(crate) fn drain(&mut self, readiness: Readiness, shutdown: Shutdown) {
        self.0.push(spawn("drain", async move {
            shutdown.triggered().await;
            readiness.drain();
        }));
    }

    /// Tells `grpc.health.v1` of readiness.
    pub(crate) fn report(&mut self, readiness: Readiness, reporter: HealthReporter) {
        self.0.push(spawn("health", readiness.report(reporter)));
    }

    /// Reads the tokens again when they change.
    pub(crate) fn reload_identities(&mut self, identities: Identities, config: &ServeConfig) {
        let paths: Vec<PathBuf> = identities.tokens_path().cloned().into_iter().collect();
        self.0.push(spawn(
            "reload tokens",
            reload::watch(paths, config.reload_every, move || log("tokens", &identities.reload())),
        ));
    }

    /// Reads the certificate again when it changes.
    pub(crate) fn reload_tls(&mut self, tls: Tls, config: &ServeConfig) {
        let paths = tls.paths().map(PathBuf::from).to_vec();
        self.0.push(spawn(
            "reload certificate",
            reload::watch(paths, config.reload_every, move || log("certificate", &tls.reload())),
        ));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

fn log<E: std::error::Error + 'static>(what: &str, reloaded: &Result<(), E>) {
    match reloaded {
        Ok(()) => tracing::info!(what, "read again"),
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = error;
            tracing::error!(what, error, "cannot be read again; what was read before stays in force");
        }
    }
}
