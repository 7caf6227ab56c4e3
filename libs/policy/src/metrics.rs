//! What the sources of a policy tell beside requests.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_proto::monitor::v1::{self as pb, source::Kind as Source};

use crate::sources;

/// The metrics of a policy by their ids, those that are computed among them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics<'p>(BTreeMap<&'p str, Told>);

/// Who tells a metric, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The place of its source in the policy; None: it is computed.
    pub source: Option<usize>,
    /// What it is; None: what its source exports says so.
    pub kind: Option<Kind>,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A state.
    Gauge,
    /// Events since the beginning.
    Counter,
}

// === impl Metrics ===

impl<'p> Metrics<'p> {
    /// Of a policy. Of two with one id, which is a violation, the first.
    pub fn of(policy: &'p pb::HealthPolicy) -> Self {
        let mut all = BTreeMap::new();
        for (index, source) in policy.sources.iter().enumerate() {
            let declared: Vec<(&str, Option<Kind>)> = match &source.kind {
                Some(Source::Prometheus(server)) => {
                    server.metrics.iter().map(|it| (it.id.as_str(), Some(Kind::of(it.kind())))).collect()
                }
                Some(Source::Push(push)) => {
                    push.metrics.iter().map(|it| (it.id.as_str(), Some(Kind::of(it.kind())))).collect()
                }
                Some(Source::Otlp(_)) | None => Vec::new(),
            };
            for (id, kind) in declared {
                all.entry(id).or_insert(Told { source: Some(index), kind });
            }
        }
        // what an exporter sends says itself what it is
        let others = sources::metrics(policy);
        let otlp = policy.sources.iter().position(|source| matches!(source.kind, Some(Source::Otlp(_))));
        for id in others {
            all.entry(id).or_insert(Told { source: otlp, kind: None });
        }
        for derived in &policy.derived {
            all.entry(derived.id.as_str()).or_insert(Told { source: None, kind: Some(Kind::Gauge) });
        }
        Self(all)
    }

    /// One of them.
    pub fn get(&self, id: &str) -> Option<Told> {
        self.0.get(id).copied()
    }

    /// Whether there is one of this id that may be of this kind.
    pub fn has(&self, id: &str, kind: Kind) -> bool {
        self.get(id).is_some_and(|told| told.kind.is_none_or(|told| told == kind))
    }

    /// Those that may be of a kind, for people.
    pub fn listed(&self, kind: Kind) -> String {
        self.0.keys().copied().filter(|id| self.has(id, kind)).collect::<Vec<_>>().join(", ")
    }

    /// All ids.
    pub fn ids(&self) -> BTreeSet<&'p str> {
        self.0.keys().copied().collect()
    }
}

// === impl Kind ===

impl Kind {
    /// As the contract says.
    pub fn of(kind: pb::MetricKind) -> Self {
        match kind {
            pb::MetricKind::Counter => Self::Counter,
            pb::MetricKind::Gauge | pb::MetricKind::Unspecified => Self::Gauge,
        }
    }
}
