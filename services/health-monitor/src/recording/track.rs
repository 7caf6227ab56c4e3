//! One target, as it is counted.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Batch, Readings, Side, Traffic,
    counters::{Context, Counters, Delta},
    tick::Counts,
};
use bellwether_proto::monitor::v1 as pb;
use prost::Message as _;

use super::{
    chunk::{Chunk, recorded},
    probed,
    readings::Noted,
};

/// The statuses that are worth comparing on their own.
pub const STATUSES: [u16; 4] = [401, 403, 404, 429];
/// As many as a policy may have.
const JOURNEYS: usize = 32;
/// Fleets that are counted apart; more are not counted.
const FLEETS: usize = 8;
const MINUTE: i64 = 60;

/// What is counted apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The fleet's id.
    pub fleet: String,
    /// The revision of the route.
    pub revision: i64,
    /// How the requests came.
    pub traffic: Traffic,
}

/// The counters of a target's fleets, and the seconds that have not been kept yet.
#[derive(Debug)]
pub struct Track {
    /// With when they were last counted.
    fleets: BTreeMap<String, (Counters, Timestamp)>,
    /// The journeys by place; places that are free are empty, so that counters keep their places.
    journeys: Vec<String>,
    /// The present second.
    open: Option<(i64, Second)>,
    /// Those before it, each encoded as it is told: open ones take ten times the memory.
    over: VecDeque<(i64, Vec<u8>)>,
    began: Timestamp,
    seen: Timestamp,
}

/// What was told within a second.
#[derive(Debug, Default)]
pub struct Second {
    /// Requests.
    pub counts: BTreeMap<Key, Counts>,
    /// What was read beside them.
    pub readings: Noted,
    /// Runs of probes.
    pub probes: Vec<pb::RecordedProbe>,
}

// === impl Track ===

impl Track {
    pub fn new(now: Timestamp) -> Self {
        Self {
            fleets: BTreeMap::new(),
            journeys: vec![String::new(); JOURNEYS],
            open: None,
            over: VecDeque::new(),
            began: now,
            seen: now,
        }
    }

    /// When it was last counted.
    pub fn seen(&self) -> Timestamp {
        self.seen
    }

    pub fn observe(&mut self, batch: &Batch, now: Timestamp) {
        self.seen = now;
        let mut fleets: Vec<&str> = Vec::new();
        for sample in &batch.samples {
            if !fleets.contains(&sample.fleet.as_str()) {
                fleets.push(&sample.fleet);
            }
            sample.journeys.iter().for_each(|(id, _, _)| self.name(id));
        }
        for fleet in fleets {
            self.count(fleet, batch, now);
        }
    }

    /// Notes what was read beside requests.
    pub fn read(&mut self, readings: &Readings, now: Timestamp) {
        self.seen = now;
        self.turn(now);
        self.open.get_or_insert_with(|| (now.as_second(), Second::default())).1.readings.note(readings);
    }

    /// Notes a run of a probe.
    pub fn tried(&mut self, run: pb::RecordedProbe, now: Timestamp) {
        self.seen = now;
        self.turn(now);
        let (_, second) = self.open.get_or_insert_with(|| (now.as_second(), Second::default()));
        probed::add(&mut second.probes, run);
    }

    fn name(&mut self, journey: &str) {
        if !self.journeys.iter().any(|known| known == journey)
            && let Some(free) = self.journeys.iter_mut().find(|known| known.is_empty())
        {
            journey.clone_into(free);
        }
    }

    /// Closes the open second when another has begun.
    fn turn(&mut self, now: Timestamp) {
        if self.open.as_ref().is_some_and(|(at, _)| *at < now.as_second()) {
            self.close();
        }
    }

    fn close(&mut self) {
        if let Some((at, second)) = self.open.take() {
            self.over.push_back((at, recorded(at, &second, &self.journeys).encode_to_vec()));
        }
    }

    fn count(&mut self, fleet: &str, batch: &Batch, now: Timestamp) {
        self.turn(now);
        if !self.fleets.contains_key(fleet) {
            self.make_room();
            self.fleets.insert(fleet.to_owned(), (Counters::default(), now));
        }
        let Some((counters, seen)) = self.fleets.get_mut(fleet) else { return };
        *seen = now;
        let context = Context {
            now,
            started: self.began,
            first_revision: 0,
            warm_up: Duration::ZERO,
            statuses: &STATUSES,
            journeys: &self.journeys,
        };
        let (_, second) = self.open.get_or_insert_with(|| (now.as_second(), Second::default()));
        let of_fleet = |sample: &bellwether_judge::Sample| (sample.fleet == fleet).then_some(Side::Baseline);
        counters.difference(batch, context, of_fleet, |delta: Delta<'_>| {
            let key = Key { fleet: fleet.to_owned(), revision: delta.revision, traffic: delta.traffic };
            let sum = second.counts.entry(key).or_insert_with(|| Counts::sized(STATUSES.len(), JOURNEYS));
            sum.add_requests(delta.counts);
            sum.latency.merge(&delta.counts.latency);
        });
    }

    /// Forgets the fleet that was counted longest ago when there are too many.
    fn make_room(&mut self) {
        if self.fleets.len() >= FLEETS
            && let Some(oldest) =
                self.fleets.iter().min_by_key(|(_, (_, seen))| *seen).map(|(id, _)| id.clone())
        {
            self.fleets.remove(&oldest);
        }
    }

    /// The seconds that have not been kept yet.
    pub fn seconds(&self) -> impl Iterator<Item = pb::RecordedSecond> + '_ {
        let open = self.open.iter().map(|(at, second)| recorded(*at, second, &self.journeys));
        self.over.iter().filter_map(|(_, encoded)| decoded(encoded)).chain(open)
    }

    /// The next seconds to keep, of one minute: one that is over, or any. They stay here until they are [kept](Self::kept).
    pub fn due(&mut self, now: Timestamp, all: bool) -> Option<Chunk> {
        let minute = |at: i64| at.div_euclid(MINUTE);
        let is_due = |at: i64| all || minute(at) < minute(now.as_second());
        if self.open.as_ref().is_some_and(|(at, _)| is_due(*at)) {
            self.close();
        }
        let start = self.over.front().map(|(at, _)| *at).filter(|at| is_due(*at))?;
        let of_minute = self.over.iter().take_while(|(at, _)| is_due(*at) && minute(*at) == minute(start));
        let (mut last, mut seconds) = (start, Vec::new());
        for (at, encoded) in of_minute {
            last = *at;
            seconds.extend(decoded(encoded));
        }
        Some(Chunk { start, last, seconds })
    }

    /// Those until this one are kept elsewhere.
    pub fn kept(&mut self, last: i64) {
        while self.over.pop_front_if(|(at, _)| *at <= last).is_some() {}
    }

    /// Whether all is kept elsewhere.
    pub fn is_kept(&self) -> bool {
        self.open.is_none() && self.over.is_empty()
    }
}

fn decoded(encoded: &[u8]) -> Option<pb::RecordedSecond> {
    pb::RecordedSecond::decode(encoded)
        .inspect_err(|error| tracing::error!(%error, "a second that was counted cannot be read"))
        .ok()
}
