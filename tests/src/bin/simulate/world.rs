//! What outlives the crashes of hosts: their disks, what runs on the platform, what was received and seen.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bellwether_clock::Env;
use bellwether_journal::MemoryStore;
use bellwether_platform::fake::{Behaviour, Fake};
use bellwether_rollout::FleetId;
use bellwether_server::{
    IdentityFiles, Kind, Role, ServeConfig, Token, TokenFile, ensure_service_token, secret_hash,
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{clock, journal::Record, outsider::Seen, people::Story, rules::Rules, trace::Trace};

/// Everything of one simulation. Cheap to clone.
#[derive(Clone)]
pub(crate) struct World(Arc<Inner>);

struct Inner {
    seed: u64,
    identities: TempDir,
    envs: BTreeMap<&'static str, Env>,
    disks: BTreeMap<&'static str, MemoryStore>,
    platform: Fake,
    versions: Mutex<BTreeMap<FleetId, String>>,
    received: Mutex<BTreeMap<String, Vec<Value>>>,
    ledger: Mutex<BTreeMap<&'static str, Vec<Record>>>,
    seen: Mutex<Seen>,
    story: Mutex<Story>,
    rules: Rules,
    trace: Trace,
}

// === impl World ===

impl World {
    /// The bearer token of the people.
    pub(crate) const PERSON: &'static str = "person";
    pub(crate) const PLANNER: &'static str = "planner";
    pub(crate) const EXECUTOR: &'static str = "executor";
    pub(crate) const MONITOR: &'static str = "monitor";
    pub(crate) const NOTIFIER: &'static str = "notifier";
    pub(crate) const PLATFORM: &'static str = "platform";
    pub(crate) const RECEIVER: &'static str = "receiver";
    pub(crate) const OUTSIDER: &'static str = "outsider";
    pub(crate) const PEOPLE: &'static str = "people";
    /// Those with a journal.
    pub(crate) const SERVICES: [&'static str; 4] =
        [Self::PLANNER, Self::EXECUTOR, Self::MONITOR, Self::NOTIFIER];
    /// Those that may crash.
    pub(crate) const MORTAL: [&'static str; 6] =
        [Self::PLANNER, Self::EXECUTOR, Self::MONITOR, Self::NOTIFIER, Self::PLATFORM, Self::RECEIVER];
    /// Everybody.
    pub(crate) const HOSTS: [&'static str; 8] = [
        Self::PLANNER,
        Self::EXECUTOR,
        Self::MONITOR,
        Self::NOTIFIER,
        Self::PLATFORM,
        Self::RECEIVER,
        Self::OUTSIDER,
        Self::PEOPLE,
    ];

    pub(crate) fn new(seed: u64) -> anyhow::Result<Self> {
        let envs: BTreeMap<_, _> =
            Self::HOSTS.into_iter().map(|host| (host, clock::env(seed, host))).collect();
        let disk = |host| (host, MemoryStore::new(&clock::env(seed, &format!("{host}'s disk"))));
        let platform = Fake::new(clock::env(seed, "instances"));
        platform.control().default_behaviour(Behaviour::ByHand);
        let inner = Inner {
            seed,
            identities: identities(seed)?,
            envs,
            disks: Self::SERVICES.into_iter().map(disk).collect(),
            platform,
            versions: Mutex::default(),
            received: Mutex::default(),
            ledger: Mutex::default(),
            seen: Mutex::default(),
            story: Mutex::default(),
            rules: Rules::default(),
            trace: Trace::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    pub(crate) fn seed(&self) -> u64 {
        self.0.seed
    }

    /// The surroundings of a host.
    pub(crate) fn env(&self, host: &str) -> Env {
        self.0.envs[host].clone()
    }

    /// The disk of a service.
    pub(crate) fn disk(&self, host: &str) -> &MemoryStore {
        &self.0.disks[host]
    }

    /// What runs.
    pub(crate) fn platform(&self) -> &Fake {
        &self.0.platform
    }

    /// Which version a fleet runs.
    pub(crate) fn versions(&self) -> MutexGuard<'_, BTreeMap<FleetId, String>> {
        self.0.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bodies that came to the receiver, by the id that it deduplicates by.
    pub(crate) fn received(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Value>>> {
        self.0.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was committed, by service.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, BTreeMap<&'static str, Vec<Record>>> {
        self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the outsider saw.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the people did and got.
    pub(crate) fn story(&self) -> MutexGuard<'_, Story> {
        self.0.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.0.trace
    }

    pub(crate) fn service_token(&self) -> PathBuf {
        self.0.identities.path().join("service.token")
    }

    /// How every host serves.
    pub(crate) fn serving(&self) -> ServeConfig {
        let tokens = Some(self.0.identities.path().join("tokens.toml"));
        let identity = IdentityFiles { tokens, service_token: Some(self.service_token()) };
        ServeConfig { identity, insecure: true, ..ServeConfig::default() }
    }
}

/// One person, and the services.
fn identities(seed: u64) -> anyhow::Result<TempDir> {
    let dir = tempfile::tempdir()?;
    let token = Token {
        principal: "alice".to_owned(),
        kind: Kind::Human,
        sha256: secret_hash(World::PERSON),
        roles: vec![Role::Admin],
        team: None,
        applications: Vec::new(),
        acts_for_others: false,
    };
    TokenFile { tokens: vec![token] }.write(&dir.path().join("tokens.toml"))?;
    ensure_service_token(&dir.path().join("service.token"), &clock::env(seed, "identities"))?;
    Ok(dir)
}
