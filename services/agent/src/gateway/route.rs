//! One target's routing, compiled: what the request path reads.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use bellwether_clock::Env;
use http::{HeaderValue, request::Parts};

use super::{
    accounting::{Accounting, Cell, Key, Traffic},
    affinity::Affinity,
    classify::Classifier,
    matching::{HeaderTest, RequestTest},
    sessions::FleetSessions,
    split::Split,
    table::{Balance, Policy},
    upstream::Upstream,
};

/// One target.
#[derive(Debug)]
pub struct Route {
    /// Limits and times.
    pub policy: Policy,
    /// What counts as an error.
    pub classifier: Classifier,
    /// Copies to one fleet.
    pub mirror: Option<MirrorTo>,
    pub(super) fleets: Vec<Fleet>,
    pub(super) split: Option<Split>,
    pub(super) previews: Vec<(HeaderTest, usize)>,
    pub(super) rules: Vec<(RequestTest, usize)>,
    pub(super) affinity: Option<Affinity>,
    pub(super) journeys: Vec<RequestTest>,
}

/// The instances of one fleet that get requests.
#[derive(Debug, Default)]
pub struct Fleet {
    pub(super) backends: Vec<Arc<Backend>>,
    /// Held so that what is open on them can be seen and cut.
    pub(super) draining: Vec<Arc<Upstream>>,
    pub(super) next: AtomicUsize,
}

/// One instance under one route revision.
#[derive(Debug)]
pub struct Backend {
    /// The instance.
    pub upstream: Arc<Upstream>,
    /// Whether every request goes by HTTP/2, or none; else those of gRPC do.
    pub http2: Option<bool>,
    /// The version that it runs, as a header says it.
    pub version: Option<HeaderValue>,
    /// Where its fleet's sessions are counted; none: they are not.
    pub sessions: Option<Arc<FleetSessions>>,
    pub(super) key: Key,
    pub(super) journeys: Arc<[String]>,
    pub(super) accounting: Arc<Accounting>,
    pub(super) cells: [OnceLock<Arc<Cell>>; 4],
}

/// Where copies go.
#[derive(Debug)]
pub struct MirrorTo {
    /// The fleet's index.
    pub fleet: usize,
    /// Says 1 for a request that is copied.
    pub sample: Split,
    /// Also methods that change things.
    pub unsafe_methods: bool,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The fleet's index.
    pub fleet: usize,
    /// By what it was chosen.
    pub traffic: Traffic,
    /// Whether the client is to be told to stay there.
    pub remember: bool,
}

// === impl Route ===

impl Route {
    /// The fleet of a request; none when nothing is routed.
    pub fn choose(&self, request: &Parts) -> Option<Choice> {
        let known = |fleet, traffic| Some(Choice { fleet, traffic, remember: false });
        if let Some(fleet) = first(&self.previews, |test| test.holds(&request.headers)) {
            return known(fleet, Traffic::Preview);
        }
        // a rule whose fleet has no instance would only turn testers away
        let ruled = first(&self.rules, |test| test.holds(request)).filter(|fleet| !self.is_empty(*fleet));
        if let Some(fleet) = ruled {
            return known(fleet, Traffic::Matched);
        }
        let split = self.split.as_ref()?;
        let Some(affinity) = &self.affinity else {
            return known(split.pick(), Traffic::Live);
        };
        match affinity.fleet_of(&request.headers) {
            Some(fleet) => known(fleet, Traffic::Live),
            None => Some(Choice { fleet: split.pick(), traffic: Traffic::Live, remember: true }),
        }
    }

    /// An instance of a fleet that is not among `tried`; one that does not refuse connections, if there is one.
    pub fn backend(&self, fleet: usize, tried: &[Arc<Backend>], env: &Env) -> Option<Arc<Backend>> {
        self.fleets.get(fleet)?.backend(self.policy.balance, tried, env)
    }

    /// The journeys that a request belongs to, bit i for journey i.
    pub fn journeys(&self, request: &Parts) -> u32 {
        let of_request = self.journeys.iter().enumerate().filter(|(_, test)| test.holds(request));
        of_request.fold(0, |bits, (i, _)| bits | 1 << i)
    }

    fn is_empty(&self, fleet: usize) -> bool {
        self.fleets.get(fleet).is_none_or(|fleet| fleet.backends.is_empty())
    }
}

fn first<T>(rules: &[(T, usize)], holds: impl Fn(&T) -> bool) -> Option<usize> {
    rules.iter().find(|(test, _)| holds(test)).map(|(_, fleet)| *fleet)
}

// === impl Fleet ===

impl Fleet {
    fn backend(&self, balance: Balance, tried: &[Arc<Backend>], env: &Env) -> Option<Arc<Backend>> {
        let count = self.backends.len();
        let start = if count > 1 { self.next.fetch_add(1, Relaxed) % count } else { 0 };
        let in_turn = || self.backends.iter().cycle().skip(start).take(count);
        let untried = |backend: &&Arc<Backend>| !tried.iter().any(|other| Arc::ptr_eq(other, backend));
        let well = |backend: &&Arc<Backend>| !backend.upstream.is_avoided(env);
        let chosen = match balance {
            Balance::RoundRobin => in_turn().filter(untried).find(well),
            Balance::LeastInFlight => {
                in_turn().filter(untried).filter(well).min_by_key(|backend| backend.upstream.in_flight())
            }
        };
        chosen.or_else(|| in_turn().find(untried)).cloned()
    }
}

// === impl Backend ===

impl Backend {
    /// Where its attempts are counted.
    pub fn cell(&self, traffic: Traffic) -> &Arc<Cell> {
        // an array of four, indexed by an enum of four
        self.cells[traffic as usize].get_or_init(|| {
            let key = Key { traffic, ..self.key.clone() };
            self.accounting.cell(key, &self.journeys)
        })
    }
}
