//! From the table to what the request path reads.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use bellwether_clock::Env;
use http::HeaderValue;
use thiserror::Error;

use super::{
    accounting::{Accounting, Key, MAX_JOURNEYS, Traffic},
    affinity::Affinity,
    classify::Classifier,
    entry::{Entries, Entry},
    matching::{HeaderTest, RequestTest},
    route::{Backend, Fleet, MirrorTo, Route},
    sessions::{Sessions, SessionsOf},
    split::Split,
    table::{self, HeaderMatch, PreviewBy, Protocol, Table, ValueMatch},
    upstream::Upstream,
};

/// Shares may miss 100 by rounding.
const TOLERANCE: f64 = 0.01;

/// A table ready for use.
#[derive(Debug, Default)]
pub struct Compiled {
    /// The table it was made of.
    pub table: Table,
    /// By target.
    pub routes: BTreeMap<String, Arc<Route>>,
    /// Where requests come in.
    pub entries: Entries,
}

/// Why a table cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{target}: {problem}")]
pub struct CompileError {
    target: String,
    problem: String,
}

/// Makes tables ready. Instances and counters stay the same ones from table to table.
#[derive(Debug)]
pub struct Compiler {
    env: Env,
    workers: usize,
    accounting: Arc<Accounting>,
    sessions: Arc<Sessions>,
    upstreams: Mutex<HashMap<(String, SocketAddr), Weak<Upstream>>>,
}

// === impl Compiler ===

impl Compiler {
    /// For this many workers.
    pub fn new(env: Env, workers: usize, accounting: Arc<Accounting>, sessions: Arc<Sessions>) -> Self {
        Self { env, workers, accounting, sessions, upstreams: Mutex::default() }
    }

    /// Makes a table ready.
    ///
    /// # Errors
    /// Names the target and what is wrong with it.
    pub fn compile(&self, table: Table) -> Result<Compiled, CompileError> {
        let mut routes = BTreeMap::new();
        let mut entries = Vec::new();
        for (name, target) in &table.targets {
            let wrong = |problem| CompileError { target: name.clone(), problem };
            let indexes: Vec<&str> = target.fleets.keys().map(String::as_str).collect();
            let route = Arc::new(self.route(name, target, &indexes).map_err(wrong)?);
            for ingress in &target.ingress {
                entries.push(Entry::ingress(ingress, &route, table.secret).map_err(wrong)?);
            }
            for preview in &target.preview {
                if let PreviewBy::Listen(address) = preview.by {
                    let fleet = index(&indexes, &preview.fleet).map_err(wrong)?;
                    let entry = Entry::preview(address, fleet, &route, &target.ingress);
                    entries.push(entry.map_err(wrong)?);
                }
            }
            routes.insert(name.clone(), route);
        }
        Ok(Compiled { table, routes, entries: Entries::new(entries) })
    }

    /// Instances with their uuid, also those that left the table while requests are open.
    pub fn upstreams(&self) -> Vec<(String, Arc<Upstream>)> {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        upstreams.retain(|_, upstream| upstream.strong_count() > 0);
        let alive =
            upstreams.iter().filter_map(|((id, _), upstream)| Some((id.clone(), upstream.upgrade()?)));
        alive.collect()
    }

    fn route(&self, name: &str, target: &table::Target, fleets: &[&str]) -> Result<Route, String> {
        if target.journeys.len() > MAX_JOURNEYS {
            return Err(format!("more than {MAX_JOURNEYS} journeys"));
        }
        let shares = shares(target, fleets)?;
        let journeys: Arc<[String]> = target.journeys.iter().map(|journey| journey.name.clone()).collect();
        let rule = |rule: &table::Rule| Ok((RequestTest::new(&rule.requests)?, index(fleets, &rule.fleet)?));
        let with_share = shares.iter().filter(|(_, percent)| *percent > 0.0);
        let with_share = with_share.filter_map(|(fleet, _)| Some((*fleet, *fleets.get(*fleet)?)));
        let affinity = target
            .affinity
            .as_ref()
            .map(|affinity| Affinity::new(&affinity.cookie, affinity.ttl, with_share));
        Ok(Route {
            policy: target.policy.clone(),
            classifier: Classifier::new(&target.policy.errors)?,
            mirror: target.mirror.as_ref().map(|mirror| self.mirror(mirror, fleets)).transpose()?.flatten(),
            split: Split::new(&shares, self.env.random()),
            previews: previews(target, fleets)?,
            rules: target.rules.iter().map(rule).collect::<Result<_, String>>()?,
            affinity,
            fleets: target
                .fleets
                .iter()
                .map(|(id, it)| self.fleet(name, target, id, it, &journeys))
                .collect(),
            journeys: target
                .journeys
                .iter()
                .map(|it| RequestTest::new(&it.requests))
                .collect::<Result<_, _>>()?,
        })
    }

    fn fleet(
        &self,
        name: &str,
        target: &table::Target,
        id: &str,
        fleet: &table::Fleet,
        journeys: &Arc<[String]>,
    ) -> Fleet {
        let of = || SessionsOf { target: name.to_owned(), fleet: id.to_owned(), revision: target.revision };
        let has_sessions = target.ingress.iter().any(|ingress| ingress.session.is_some());
        let sessions = has_sessions.then(|| self.sessions.fleet(of()));
        let backend = |instance: &table::Instance| {
            let key = Key {
                target: name.to_owned(),
                fleet: id.to_owned(),
                instance: instance.id.clone(),
                revision: target.revision,
                ..Default::default()
            };
            let backend = Backend {
                upstream: self.upstream(instance),
                http2: match instance.protocol {
                    Protocol::Auto => None,
                    Protocol::Http1 => Some(false),
                    Protocol::Http2 => Some(true),
                },
                version: (!instance.version.is_empty())
                    .then(|| HeaderValue::from_str(&instance.version).ok())
                    .flatten(),
                sessions: sessions.clone(),
                key,
                journeys: journeys.clone(),
                accounting: self.accounting.clone(),
                cells: Default::default(),
            };
            // an instance that gets no request is told of too: with zeros
            backend.cell(Traffic::Live);
            Arc::new(backend)
        };
        let (draining, serving): (Vec<_>, Vec<_>) =
            fleet.instances.iter().partition(|instance| instance.drain_until.is_some());
        Fleet {
            backends: serving.into_iter().map(backend).collect(),
            draining: draining.into_iter().map(|instance| self.upstream(instance)).collect(),
            next: Default::default(),
        }
    }

    fn mirror(&self, mirror: &table::Mirror, fleets: &[&str]) -> Result<Option<MirrorTo>, String> {
        let fleet = index(fleets, &mirror.fleet)?;
        if !(0.0..=100.0).contains(&mirror.percent) {
            return Err(format!("a mirror of {} %", mirror.percent));
        }
        let sample = Split::new(&[(0, 100.0 - mirror.percent), (1, mirror.percent)], self.env.random());
        let sample = sample.filter(|_| mirror.percent > 0.0);
        Ok(sample.map(|sample| MirrorTo { fleet, sample, unsafe_methods: mirror.unsafe_methods }))
    }

    fn upstream(&self, instance: &table::Instance) -> Arc<Upstream> {
        let mut upstreams = self.upstreams.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = upstreams.entry((instance.id.clone(), instance.address)).or_default();
        slot.upgrade().unwrap_or_else(|| {
            let upstream = Arc::new(Upstream::new(instance.address, self.workers));
            *slot = Arc::downgrade(&upstream);
            upstream
        })
    }
}

fn shares(target: &table::Target, fleets: &[&str]) -> Result<Vec<(usize, f64)>, String> {
    let mut shares = Vec::with_capacity(target.split.len());
    for share in &target.split {
        if !(0.0..=100.0).contains(&share.percent) {
            return Err(format!("a share of {} %", share.percent));
        }
        shares.push((index(fleets, &share.fleet)?, share.percent));
    }
    let sum: f64 = shares.iter().map(|(_, percent)| percent).sum();
    if !shares.is_empty() && (sum - 100.0).abs() > TOLERANCE {
        return Err(format!("the shares are {sum} % together"));
    }
    Ok(shares)
}

fn previews(target: &table::Target, fleets: &[&str]) -> Result<Vec<(HeaderTest, usize)>, String> {
    let mut previews = Vec::new();
    for preview in &target.preview {
        if let PreviewBy::Header { name, value } = &preview.by {
            let test = HeaderMatch { name: name.clone(), value: ValueMatch::Exact(value.clone()) };
            previews.push((HeaderTest::new(&test)?, index(fleets, &preview.fleet)?));
        }
    }
    Ok(previews)
}

fn index(fleets: &[&str], id: &str) -> Result<usize, String> {
    fleets.iter().position(|fleet| *fleet == id).ok_or_else(|| format!("there is no fleet {id:?}"))
}
