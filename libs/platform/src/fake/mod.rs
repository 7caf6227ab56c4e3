//! A platform and router in memory, with hand-driven readiness, for tests and simulations.
//!
//! It gives all the guarantees of the traits (the conformance kit runs against it) and lets a test do what a real
//! platform does by accident: instances that are slow, crash, vanish; a router that refuses; a person who changes
//! things by hand. Thousands of targets are cheap.

mod control;
mod driver;
mod stats;
mod target;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Env;
use tokio::sync::watch;

pub use control::Control;
pub use stats::{Stats, Unready};
use target::Target;

use crate::Capabilities;

/// What the instances of a version do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Ready after this time; zero: at once.
    ReadyAfter(Duration),
    /// Never ready by themselves: the test says when.
    ByHand,
    /// End by themselves after this time, again and again, and are never ready.
    CrashAfter(Duration),
}

/// An in-memory platform and router. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Fake(Arc<Shared>);

struct Shared {
    env: Env,
    inner: Mutex<Inner>,
}

struct Inner {
    capabilities: Capabilities,
    default: Behaviour,
    by_version: BTreeMap<String, Behaviour>,
    unavailable: Option<String>,
    targets: BTreeMap<String, Entry>,
}

/// A target and who watches it.
struct Entry {
    target: Target,
    changed: watch::Sender<u64>,
}

// === impl Fake ===

impl Fake {
    /// One whose instances are ready at once.
    pub fn new(env: Env) -> Self {
        let inner = Inner {
            capabilities: Capabilities::ALL,
            default: Behaviour::ReadyAfter(Duration::ZERO),
            by_version: BTreeMap::new(),
            unavailable: None,
            targets: BTreeMap::new(),
        };
        Self(Arc::new(Shared { env, inner: Mutex::new(inner) }))
    }

    /// What a test does with it.
    pub fn control(&self) -> Control {
        Control::new(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a target and wakes those who watch it.
    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Target, &Env) -> T) -> T {
        let mut inner = self.lock();
        let entry = inner.targets.entry(name.into()).or_default();
        let before = entry.target.clone();
        let result = change(&mut entry.target, &self.0.env);
        entry.target.note();
        if entry.target != before {
            entry.changed.send_modify(|version| *version += 1);
        }
        result
    }

    fn see<T>(&self, name: &str, look: impl FnOnce(&Target) -> T) -> T {
        look(&self.lock().targets.entry(name.into()).or_default().target)
    }
}

impl Default for Entry {
    fn default() -> Self {
        Self { target: Target::default(), changed: watch::Sender::new(0) }
    }
}
