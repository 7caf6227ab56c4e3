//! The gateway at work: always one, with the sockets and the table that it should have.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use bellwether_clock::{Env, spawn};
use rustix::process::Signal;
use thiserror::Error;
use tokio::{
    sync::{Mutex, watch},
    time::sleep,
};

use super::{
    processes::{Entry, Place, Process, Program, forget},
    sockets::Sockets,
};
use crate::{
    control::{Client, ClientError, Counted, InstanceStatus, Status},
    durable::FileError,
    gateway::{PreviewBy, SessionSample, Table, Target, table_on_disk},
    supervisor::wake::Wake,
};

/// A gateway that is replaced may finish what is open for this long.
const HANDOVER: Duration = Duration::from_secs(60);
/// Between two starts of gateways that end at once.
const PAUSE: Duration = Duration::from_millis(300);

/// The gateway at work.
#[derive(Debug)]
pub struct Gateway {
    place: Place,
    wake: Arc<Wake>,
    state: Mutex<State>,
    /// The client of the gateway at work; none while there is none.
    at_work: watch::Sender<Option<Client>>,
}

#[derive(Debug, Default)]
struct State {
    table: Table,
    sockets: Sockets,
    /// Addresses that cannot be listened on, and why.
    failed: BTreeMap<SocketAddr, String>,
    current: Option<Entry>,
    retiring: Vec<(Entry, Client)>,
}

/// Why a route is not in force.
#[derive(Debug, Error)]
pub enum RouteError {
    /// Addresses are taken by other processes.
    #[error("{0}")]
    Listen(String),
    /// The gateway does not answer, or refuses.
    #[error(transparent)]
    Gateway(#[from] ClientError),
    /// It is being started.
    #[error("the gateway is being started")]
    Down,
}

// === impl Gateway ===

impl Gateway {
    /// Takes over the gateway that runs, or starts one. Nothing is routed anew by that.
    ///
    /// # Errors
    /// The directory or the table in it cannot be used.
    pub async fn at(
        directory: std::path::PathBuf,
        program: Program,
        env: Env,
        wake: Arc<Wake>,
    ) -> Result<Arc<Self>, FileError> {
        let failed = |source| FileError::Io { path: directory.clone(), source };
        let place = Place::new(directory.clone(), program, env.clone()).map_err(failed)?;
        let mut table = table_on_disk(&place.table());
        if table.secret == [0, 0] {
            table.secret = [env.random(), env.random()];
        }
        let state = State { table, ..State::default() };
        let gateway = Self { place, wake, state: Mutex::new(state), at_work: watch::Sender::new(None) };
        let gateway = Arc::new(gateway);
        gateway.adopt().await.map_err(failed)?;
        Ok(gateway)
    }

    /// Puts a target's routing in force; none removes it. Returns what is routed then, read back.
    ///
    /// # Errors
    /// See [`RouteError`]; it will be in force when the gateway is back, except where it refuses.
    pub async fn route(&self, name: &str, target: Option<&Target>) -> Result<Status, RouteError> {
        let mut state = self.state.lock().await;
        let old = state.table.targets.get(name).cloned();
        match target {
            Some(target) => drop(state.table.targets.insert(name.to_owned(), target.clone())),
            None => drop(state.table.targets.remove(name)),
        }
        state.table.version += 1;
        state.listen();
        let applied = self.apply(&mut state).await;
        if matches!(applied, Err(RouteError::Gateway(ClientError::Refused(_)))) {
            match old {
                Some(old) => drop(state.table.targets.insert(name.to_owned(), old)),
                None => drop(state.table.targets.remove(name)),
            }
        }
        let failed = target.map(|target| state.failures(target)).unwrap_or_default();
        if failed.is_empty() { applied } else { Err(RouteError::Listen(failed.join(", "))) }
    }

    /// What is routed now.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn status(&self) -> Result<Status, RouteError> {
        Ok(self.client()?.status().await?)
    }

    /// The counters of the gateway at work.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn samples(&self) -> Result<Counted, RouteError> {
        Ok(self.client()?.samples().await?)
    }

    /// Its sessions that have grown after the growth `since`, and up to which growth that is.
    ///
    /// # Errors
    /// The gateway does not answer.
    pub async fn sessions(&self, since: u64) -> Result<(u64, Vec<SessionSample>), RouteError> {
        Ok(self.client()?.sessions(since).await?)
    }

    /// What is open towards each instance, also in gateways that are being replaced.
    pub async fn open(&self) -> Result<BTreeMap<String, InstanceStatus>, RouteError> {
        let retiring: Vec<Client> =
            self.state.lock().await.retiring.iter().map(|(_, it)| it.clone()).collect();
        let mut open: BTreeMap<String, InstanceStatus> = BTreeMap::new();
        for client in retiring.into_iter().chain([self.client()?]) {
            match client.status().await {
                Ok(status) => {
                    for (instance, status) in status.instances {
                        let sum = open.entry(instance).or_default();
                        sum.in_flight += status.in_flight;
                        sum.cut_by_drain += status.cut_by_drain;
                    }
                }
                // one that has just ended has nothing open
                Err(ClientError::Unreachable(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(open)
    }

    /// What the table says of a target.
    pub async fn routed(&self, name: &str) -> Option<Target> {
        self.state.lock().await.table.targets.get(name).cloned()
    }

    /// Replaces the gateway by a new one without a failed request.
    ///
    /// # Errors
    /// The new one cannot be started; the old one stays then.
    pub async fn replace(self: &Arc<Self>) -> Result<(), RouteError> {
        let mut state = self.state.lock().await;
        let old = state.current.clone().zip(self.at_work.borrow().clone());
        self.start(&mut state).await?;
        if let Some((entry, client)) = old {
            client.retire(HANDOVER).await?;
            state.retiring.push((entry, client));
        }
        self.note(&state).await;
        Ok(())
    }

    /// Ends it, with everything that is open.
    pub async fn end(&self) {
        let mut state = self.state.lock().await;
        let retiring = std::mem::take(&mut state.retiring).into_iter().map(|(entry, _)| entry);
        for entry in retiring.chain(state.current.take()) {
            entry.process.signal_group(Signal::KILL);
            forget(&entry);
        }
        self.at_work.send_replace(None);
        self.note(&state).await;
    }

    fn client(&self) -> Result<Client, RouteError> {
        self.at_work.borrow().clone().ok_or(RouteError::Down)
    }

    async fn adopt(self: &Arc<Self>) -> io::Result<()> {
        let mut state = self.state.lock().await;
        let mut processes = self.place.adopt()?;
        let current = processes.pop();
        for process in processes {
            state.retiring.push((process.entry.clone(), process.client.clone()));
            self.follow(process);
        }
        let Some(process) = current else {
            state.listen();
            return self.start(&mut state).await.map_err(io::Error::other);
        };
        match process.client.listeners().await {
            Ok(sockets) => state.sockets.adopt(sockets),
            Err(error) => tracing::error!(%error, "the sockets of the running gateway cannot be taken over"),
        }
        let outdated = process.entry.version != env!("CARGO_PKG_VERSION");
        state.current = Some(process.entry.clone());
        self.at_work.send_replace(Some(process.client.clone()));
        self.follow(process);
        drop(state);
        if outdated { self.replace().await.map_err(io::Error::other) } else { Ok(()) }
    }

    /// Starts a gateway, with the sockets and the table that it should have, and makes it the one at work.
    async fn start(self: &Arc<Self>, state: &mut State) -> Result<(), RouteError> {
        let start = self.place.start().await;
        let process = start.map_err(|error| RouteError::Gateway(ClientError::Unreachable(error)))?;
        state.current = Some(process.entry.clone());
        self.note(state).await;
        let client = process.client.clone();
        let identity = process.running.identity().clone();
        self.follow(process);
        let equip = async {
            client.apply(&state.table, false).await?;
            client.listen(&state.sockets.all()).await
        };
        if let Err(error) = equip.await {
            // one that cannot be told anything is of no use
            identity.signal_group(Signal::KILL);
            return Err(error.into());
        }
        self.at_work.send_replace(Some(client));
        Ok(())
    }

    async fn apply(&self, state: &mut State) -> Result<Status, RouteError> {
        let client = self.client()?;
        let status = client.apply(&state.table, true).await?;
        if status.listening != state.sockets.addresses() {
            client.listen(&state.sockets.all()).await?;
        }
        for (_, retiring) in &state.retiring {
            // it may have ended; then it routes nothing
            if let Err(error) = retiring.apply(&state.table, false).await {
                tracing::debug!(%error, "a gateway that is being replaced was not told of a route");
            }
        }
        Ok(status)
    }

    /// Waits for the end of a gateway; of the one at work a new one takes the place.
    fn follow(self: &Arc<Self>, mut process: Process) {
        let gateway = self.clone();
        spawn("gateway", async move {
            let exit = process.running.wait().await;
            gateway.ended(&process.entry, exit).await;
        });
    }

    async fn ended(self: &Arc<Self>, entry: &Entry, exit: crate::supervisor::process::Exit) {
        let mut state = self.state.lock().await;
        forget(entry);
        state.retiring.retain(|(retiring, _)| retiring != entry);
        if state.current.as_ref() != Some(entry) {
            return self.note(&state).await;
        }
        tracing::error!(?exit, "the gateway has ended, another is started");
        self.at_work.send_replace(None);
        while let Err(error) = self.start(&mut state).await {
            tracing::error!(%error, "a gateway cannot be started");
            sleep(PAUSE).await;
        }
        drop(state);
        self.wake.wake_all();
    }

    async fn note(&self, state: &State) {
        let entries: Vec<Entry> =
            state.retiring.iter().map(|(entry, _)| entry).chain(&state.current).cloned().collect();
        if let Err(error) = self.place.note(&entries).await {
            tracing::error!(%error, "the gateways cannot be written down");
        }
    }
}

// === impl State ===

impl State {
    /// Listens on what the table names.
    fn listen(&mut self) {
        let addresses: BTreeSet<SocketAddr> = self.table.targets.values().flat_map(addresses).collect();
        let failed = self.sockets.set(&addresses);
        self.failed =
            failed.into_iter().map(|(address, error)| (address, format!("{address}: {error}"))).collect();
    }

    /// Which addresses of a target cannot be listened on, and why.
    fn failures(&self, target: &Target) -> Vec<String> {
        addresses(target).filter_map(|address| self.failed.get(&address).cloned()).collect()
    }
}

fn addresses(target: &Target) -> impl Iterator<Item = SocketAddr> {
    let previews = target.preview.iter().filter_map(|preview| match preview.by {
        PreviewBy::Listen(address) => Some(address),
        PreviewBy::Header { .. } => None,
    });
    target.ingress.iter().map(|ingress| ingress.listen).chain(previews)
}
