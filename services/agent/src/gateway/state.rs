//! What everything in a gateway shares.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use bellwether_clock::Env;
use thiserror::Error;
use tokio::sync::Mutex;

use super::{
    accounting::Accounting,
    compile::{CompileError, Compiled, Compiler},
    retire::Retire,
    route::Fleet,
    sessions::Sessions,
    table::{Table, Target},
    tls::{TlsError, TlsStore},
    upstream::Upstream,
};
use crate::{
    control::{InstanceStatus, Status, TargetStatus},
    durable::{self, FileError},
};

/// Counters of a route that is gone are told this many seconds longer.
const KEEP_COUNTERS: u32 = 30;

/// What everything in a gateway shares.
#[derive(Debug)]
pub struct State {
    /// The clock.
    pub env: Env,
    /// Changes with each start.
    pub incarnation: String,
    /// The table in use: replaced as a whole, read without a lock.
    pub table: ArcSwap<Compiled>,
    /// The certificates in use.
    pub tls: TlsStore,
    /// The counters.
    pub accounting: Arc<Accounting>,
    /// Users' sessions.
    pub sessions: Arc<Sessions>,
    /// Whether this gateway is being replaced.
    pub retiring: Retire,
    /// Client connections now open.
    pub connections: AtomicUsize,
    /// Copies of requests now open.
    pub mirrors: AtomicUsize,
    compiler: Compiler,
    file: PathBuf,
    /// One change at a time.
    changing: Mutex<()>,
}

/// Why a table was not taken into use.
#[derive(Debug, Error)]
pub enum ApplyError {
    /// It makes no sense.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// It is older than the one in use.
    #[error("table {given} is older than table {in_use}, which is in use")]
    Old {
        /// The version of the one in use.
        in_use: u64,
        /// The version given.
        given: u64,
    },
    /// It could not be written to disk.
    #[error(transparent)]
    File(#[from] FileError),
}

// === impl State ===

impl State {
    /// With the table on disk at `file`, if there is one that can be used.
    pub fn new(env: Env, workers: usize, file: PathBuf) -> Self {
        let accounting = Arc::new(Accounting::default());
        let sessions = Arc::new(Sessions::default());
        let compiler = Compiler::new(env.clone(), workers, accounting.clone(), sessions.clone());
        let compiled = compiler.compile(table_on_disk(&file)).unwrap_or_else(|error| {
            tracing::error!(%error, "the routing table on disk is left out");
            Compiled::default()
        });
        let tls = TlsStore::default();
        // a certificate that has become unreadable must not keep the other applications down
        tls.reload(&compiled.entries);
        Self {
            incarnation: env.uuid().to_string(),
            table: ArcSwap::from_pointee(compiled),
            tls,
            accounting,
            sessions,
            retiring: Retire::new(env.clone()),
            connections: AtomicUsize::new(0),
            mirrors: AtomicUsize::new(0),
            compiler,
            file,
            changing: Mutex::default(),
            env,
        }
    }

    /// Takes a table into use: checked, on disk (if `persist`), then swapped in at once.
    ///
    /// # Errors
    /// See [`ApplyError`]; nothing was changed then.
    pub async fn apply(&self, table: Table, persist: bool) -> Result<Status, ApplyError> {
        let _one = self.changing.lock().await;
        let in_use = self.table.load().table.version;
        if table.version < in_use {
            return Err(ApplyError::Old { in_use, given: table.version });
        }
        let compiled = self.compiler.compile(table)?;
        self.tls.load(&compiled.entries)?;
        if persist {
            // after a power failure the supervisor tells the table again, from what it has written down itself
            durable::replace(&self.file, &compiled.table).await?;
        }
        self.table.store(Arc::new(compiled));
        Ok(self.status())
    }

    /// What is routed, read from the table in use.
    pub fn status(&self) -> Status {
        let compiled = self.table.load_full();
        let target = |(name, target): (&String, &Target)| {
            let Target { revision, split, rules, mirror, affinity, preview, .. } = target.clone();
            (name.clone(), TargetStatus { revision, split, rules, mirror, affinity, preview })
        };
        let instance = |(id, upstream): (String, Arc<Upstream>)| {
            let in_flight = upstream.in_flight().max(usize::from(is_held(&compiled, &upstream)));
            (id, InstanceStatus { in_flight, cut_by_drain: upstream.cut_by_drain() })
        };
        Status {
            incarnation: self.incarnation.clone(),
            version: compiled.table.version,
            listening: Vec::new(),
            connections: self.connections.load(Relaxed),
            targets: compiled.table.targets.iter().map(target).collect(),
            instances: self.compiler.upstreams().into_iter().map(instance).collect(),
        }
    }

    /// Whether nothing is open any more.
    pub fn is_quiet(&self) -> bool {
        let open = |(_, upstream): &(String, Arc<Upstream>)| upstream.in_flight() > 0;
        self.connections.load(Relaxed) == 0 && !self.compiler.upstreams().iter().any(open)
    }

    /// Whether this gateway is being replaced.
    pub fn is_retiring(&self) -> bool {
        self.retiring.has_begun()
    }

    /// Ends what has been draining for too long.
    pub fn cut_overdue(&self) {
        let now = self.env.now();
        let compiled = self.table.load_full();
        for (target, route) in compiled.table.targets.values().zip(compiled.routes.values()) {
            for (fleet, compiled) in target.fleets.values().zip(&route.fleets) {
                let draining = fleet.instances.iter().filter_map(|instance| instance.drain_until);
                let overdue = draining.zip(&compiled.draining).filter(|(until, _)| *until <= now);
                overdue.for_each(|(_, upstream)| upstream.cut());
            }
        }
    }

    /// What is due once a second: idle connections, unused counters.
    pub fn sweep(&self) {
        let compiled = self.table.load_full();
        for route in compiled.routes.values() {
            for backend in route.fleets.iter().flat_map(|fleet| &fleet.backends) {
                backend.upstream.trim(&self.env, route.policy.idle_timeout);
            }
        }
        self.accounting.sweep(KEEP_COUNTERS);
        self.sessions.sweep(KEEP_COUNTERS);
    }
}

/// The table on disk; an empty one where it cannot be read: the supervisor tells it again.
pub(crate) fn table_on_disk(file: &Path) -> Table {
    durable::load(file)
        .unwrap_or_else(|error| {
            tracing::error!(%error, "the routing table on disk is left out");
            None
        })
        .unwrap_or_default()
}

/// Whether somebody beside the table in use (and the caller) holds an instance: a request that was routed by an
/// earlier table and has not reached the instance yet, so that it does not count as open.
fn is_held(compiled: &Compiled, upstream: &Arc<Upstream>) -> bool {
    let fleets = compiled.routes.values().flat_map(|route| &route.fleets);
    let of_fleet = |fleet: &Fleet| {
        let serving = fleet.backends.iter().filter(|backend| Arc::ptr_eq(&backend.upstream, upstream));
        serving.count() + fleet.draining.iter().filter(|draining| Arc::ptr_eq(draining, upstream)).count()
    };
    Arc::strong_count(upstream) > 1 + fleets.map(of_fleet).sum::<usize>()
}
