//! Analyses as the executor asks for them, and what gateways count for each.

use bellwether_judge::{Histogram, sim::Random};
use bellwether_proto::monitor::v1::{
    Analysis, Check, ConnectionsCheck, ErrorRateCheck, HealthPolicy, LatencyCheck, LatencyHistogram, Sample,
    Segment, SegmentKind, StatusCount, StatusShareCheck, check::Kind,
};

use crate::judge::latencies::{Shape, Slowness};

/// The candidate's share in percent.
const SHARE: f64 = 10.0;
/// Of so many requests on average one fails, and one is answered with 401.
const ONE_IN: u64 = 200;
/// Reports that are made beforehand and then sent in turns: the load must not compete with what it loads.
const PATTERNS: usize = 64;
/// Requests of a rush to the candidate; the baseline has nine times as many. All of them take about 90 ms.
const RUSH: u64 = 500;
const RUSH_BUCKET: usize = 132;
/// OpenTelemetry's number of the judge's first bucket.
const FIRST_BUCKET: i32 = -80;

/// What both sides had between two reports, drawn beforehand.
pub struct Traffic(Vec<[Histogram; 2]>);

/// One analysis with its counters.
pub struct Counted {
    /// `analyses/<id>`.
    pub name: String,
    target: String,
    sides: [Side; 2],
    turn: usize,
}

/// Counters of one instance.
#[derive(Clone)]
struct Side {
    fleet: String,
    errors: u64,
    latency: Histogram,
}

/// The checks of an analysis: four.
fn policy() -> HealthPolicy {
    let check = |id: &str, kind: Kind| Check { id: id.to_owned(), kind: Some(kind), ..Default::default() };
    let status = StatusShareCheck { status: 401, ..Default::default() };
    HealthPolicy {
        checks: vec![
            check("errors", Kind::ErrorRate(ErrorRateCheck::default())),
            check("latency", Kind::Latency(LatencyCheck::default())),
            check("logins", Kind::StatusShare(status)),
            check("connections", Kind::Connections(ConnectionsCheck::default())),
        ],
        ..Default::default()
    }
}

// === impl Traffic ===

impl Traffic {
    /// Between two reports so many requests to both sides on average.
    pub fn new(requests: f64) -> Self {
        let (mut random, shape) = (Random::new(1), Shape::of(Slowness::None));
        let mut draw = |share: f64| {
            let mut latency = Histogram::default();
            shape.draw(requests * share, &mut latency, &mut random);
            latency
        };
        Self((0..PATTERNS).map(|_| [draw(SHARE / 100.0), draw(1.0 - SHARE / 100.0)]).collect())
    }
}

// === impl Counted ===

impl Counted {
    /// The analysis of this number, the `again`th on its target.
    pub fn new(number: usize, again: usize) -> Self {
        let side = |fleet: String| Side { fleet, errors: 0, latency: Histogram::default() };
        Self {
            name: format!("analyses/bench-{number}-{again}"),
            target: format!("targets/app-{number}@bench"),
            sides: [side(format!("bench-{number}-{again}")), side(format!("stable-{number}"))],
            turn: number,
        }
    }

    /// As the executor asks for it.
    pub fn definition(&self) -> Analysis {
        let [candidate, baseline] = &self.sides;
        Analysis {
            name: self.name.clone(),
            target: self.target.clone(),
            candidate_fleet: candidate.fleet.clone(),
            baseline_fleet: baseline.fleet.clone(),
            policy: Some(policy()),
            segment: Some(Segment {
                index: 1,
                kind: SegmentKind::Split.into(),
                candidate_share_percent: SHARE,
                route_revision: 1,
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// More traffic; the counters after it.
    pub fn report(&mut self, traffic: &Traffic) -> Vec<Sample> {
        self.turn += 1;
        if let Some(pattern) = traffic.0.get(self.turn % PATTERNS) {
            for (side, more) in self.sides.iter_mut().zip(pattern) {
                side.latency.merge(more);
                side.errors = side.latency.total() / ONE_IN;
            }
        }
        self.samples()
    }

    /// More traffic, and with it a rush in which the candidate's requests all fail; the counters after them.
    pub fn fall(&mut self, traffic: &Traffic) -> Vec<Sample> {
        self.report(traffic);
        let [candidate, baseline] = &mut self.sides;
        candidate.latency.add(RUSH_BUCKET, RUSH);
        candidate.errors += RUSH;
        baseline.latency.add(RUSH_BUCKET, 9 * RUSH);
        self.samples()
    }

    fn samples(&self) -> Vec<Sample> {
        self.sides.iter().map(|side| side.sample(&self.target)).collect()
    }
}

// === impl Side ===

impl Side {
    fn sample(&self, target: &str) -> Sample {
        let requests = self.latency.total();
        let first = self.latency.iter().next().map_or(0, |(bucket, _)| bucket);
        let latency = LatencyHistogram {
            scale: 3,
            zero_count: 0,
            offset: i32::try_from(first).unwrap_or(0) + FIRST_BUCKET,
            counts: self.latency.iter().map(|(_, count)| count).collect(),
        };
        Sample {
            target: target.to_owned(),
            fleet: self.fleet.clone(),
            instance: format!("{}-1", self.fleet),
            route_revision: 1,
            requests,
            errors: self.errors,
            statuses: vec![StatusCount { status: 401, count: requests / ONE_IN }],
            latency: Some(latency),
            ..Default::default()
        }
    }
}
