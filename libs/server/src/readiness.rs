//! Which services of this process are ready, for `/readyz` and `grpc.health.v1`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;
use tonic_health::{ServingStatus, server::HealthReporter};

/// The name of the process as a whole, as in `grpc.health.v1`.
const PROCESS: &str = "";

/// The state of one service: ready, or why not (`DISK_FULL`, `STANDBY`, …).
type State = Result<(), String>;

/// The readiness of each service. Cheap to clone; services say when theirs changes.
#[derive(Clone, Debug)]
pub struct Readiness {
    services: Arc<Mutex<BTreeMap<String, State>>>,
    changed: watch::Sender<()>,
}

// === impl Readiness ===

impl Readiness {
    /// Not ready: nothing is served yet.
    pub fn new() -> Self {
        let services = BTreeMap::from([(PROCESS.to_owned(), Err("STARTING".to_owned()))]);
        Self { services: Arc::new(Mutex::new(services)), changed: watch::Sender::new(()) }
    }

    /// The service of this full name is ready.
    pub fn ready(&self, service: &str) {
        self.set(service, Ok(()));
    }

    /// The service of this full name is not ready, for this reason (UPPER_SNAKE).
    pub fn not_ready(&self, service: &str, reason: &str) {
        self.set(service, Err(reason.to_owned()));
    }

    /// The services that are not ready with their reasons; empty: the process is ready. The process as a whole has the
    /// empty name.
    pub fn missing(&self) -> BTreeMap<String, String> {
        self.snapshot()
            .into_iter()
            .filter_map(|(service, state)| state.err().map(|reason| (service, reason)))
            .collect()
    }

    /// Calls are accepted.
    pub(crate) fn start(&self) {
        self.ready(PROCESS);
    }

    /// Takes all of them down: the process drains.
    pub(crate) fn drain(&self) {
        for service in self.snapshot().into_keys() {
            self.not_ready(&service, "DRAINING");
        }
    }

    /// Makes a service known; what has been said of it stands.
    pub(crate) fn add(&self, service: &str) {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.entry(service.to_owned()).or_insert(Ok(()));
    }

    /// Tells `grpc.health.v1` of every change; ends with the last [`Readiness`].
    pub(crate) async fn report(self, reporter: HealthReporter) {
        let mut changed = self.changed.subscribe();
        loop {
            changed.mark_unchanged();
            for (service, state) in self.snapshot() {
                let ready = if service == PROCESS { self.missing().is_empty() } else { state.is_ok() };
                reporter.set_service_status(service, status(ready)).await;
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    fn set(&self, service: &str, state: State) {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), state);
        self.changed.send_replace(());
    }

    fn snapshot(&self) -> BTreeMap<String, State> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for Readiness {
    fn default() -> Self {
        Self::new()
    }
}

fn status(ready: bool) -> ServingStatus {
    if ready { ServingStatus::Serving } else { ServingStatus::NotServing }
}
