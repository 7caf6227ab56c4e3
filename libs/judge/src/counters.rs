//! From cumulative counters to what is new.
//!
//! The last counters are kept per source incarnation, instance, route revision and kind of traffic, together
//! with the evidence. A repeated, late or reordered batch and the judge's own downtime are therefore harmless:
//! a batch that was seen yields nothing, one that was missed is contained in the next.

use std::{cell::Cell, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    by_name::ByName,
    sample::{Batch, Sample, Traffic},
    tick::{Counts, Side},
};

mod slot;

use slot::{Fresh, Slot};

/// Incarnations kept per source.
const INCARNATIONS: usize = 4;
/// Revisions whose counters are kept per instance, the newest, each with its kinds of traffic.
const REVISIONS: usize = 2;
/// Instances kept per incarnation; more are ignored, so that a million label values cost nothing.
const INSTANCES: usize = 1_024;
/// Sources kept; more are ignored.
const SOURCES: usize = 64;
/// A baseline instance that is first seen this soon after the start has served before.
const PRESENT_AT_START: Duration = Duration::from_secs(5);

/// The last counters of everything that was ever counted for one analysis.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    sources: ByName<Vec<Incarnation>>,
}

thread_local! {
    /// What is new of one instance while it is told: thousands of counters need the room, one after the other.
    static SCRATCH: Cell<Counts> = Cell::default();
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Incarnation {
    id: String,
    /// The newest `time` of its batches.
    newest: Timestamp,
    instances: ByName<Instance>,
    /// Those of one side whose id one of the other side had before.
    #[serde(default, skip_serializing_if = "ByName::is_empty")]
    namesakes: ByName<Instance>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Instance {
    /// None: not counted since it was written down without.
    #[serde(default)]
    side: Option<Side>,
    slots: Vec<Slot>,
    /// Revisions up to this one were forgotten; samples of them are late.
    forgotten: i64,
    /// When its first request was seen; None before.
    first_request: Option<Timestamp>,
}

/// What the differencing needs to know of the analysis.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Arrival time of the batch.
    pub now: Timestamp,
    /// When the analysis began.
    pub started: Timestamp,
    /// The route revision of the first segment; 0: unknown.
    pub first_revision: i64,
    /// Latency counts from this long after an instance's first request.
    pub warm_up: Duration,
    /// Statuses in the order of the settings.
    pub statuses: &'a [u16],
    /// Journeys in the order of the settings.
    pub journeys: &'a [String],
}

/// What is new of one instance.
#[derive(Clone, Copy, Debug)]
pub struct Delta<'a> {
    /// Which side it belongs to.
    pub side: Side,
    /// The instance's id.
    pub instance: &'a str,
    /// The route revision; 0: unknown.
    pub revision: i64,
    /// How the requests came.
    pub traffic: Traffic,
    /// What is new; latencies only of a warm instance.
    pub counts: &'a Counts,
}

// === impl Counters ===

impl Counters {
    /// Tells `sink` what is new in the samples that `side_of` places on a side. No allocation for instances and
    /// revisions that are known.
    pub fn difference(
        &mut self,
        batch: &Batch,
        context: Context<'_>,
        side_of: impl Fn(&Sample) -> Option<Side>,
        mut sink: impl FnMut(Delta<'_>),
    ) {
        let Some((incarnation, restarted)) = incarnation_of(&mut self.sources, batch) else { return };
        let mut room = SCRATCH.take();
        let scratch = &mut room;
        for sample in &batch.samples {
            let Some(side) = side_of(sample) else { continue };
            let Some(instance) = incarnation.instance(side, &sample.instance) else { continue };
            // counters that began within the rollout count from zero
            let own = side == Side::Candidate || restarted;
            let from_zero = own || (context.first_revision > 0 && sample.revision >= context.first_revision);
            let Some(fresh) = instance.fresh(sample, batch.time, from_zero, context, scratch) else {
                continue;
            };
            if fresh == Fresh::Nothing {
                continue;
            }
            if !instance.is_warm(side, scratch, context) {
                scratch.latency.clear();
            }
            sink(Delta {
                side,
                instance: &sample.instance,
                revision: sample.revision,
                traffic: sample.traffic,
                counts: scratch,
            });
        }
        SCRATCH.set(room);
    }

    /// Whether an instance has served for as long as the warm-up; one whose requests nobody counts is taken to be as
    /// old as the analysis.
    pub fn is_warm(
        &self,
        (side, instance): (Side, &str),
        started: Timestamp,
        warm_up: Duration,
        now: Timestamp,
    ) -> bool {
        let incarnations = self.sources.values().flatten();
        let known = incarnations.filter_map(|of| of.known(side, instance)?.first_request);
        let first = known.min().unwrap_or(started);
        now.duration_since(first).unsigned_abs() >= warm_up
    }

    /// The route has changed: what sources without revisions count next spans the change and is dropped.
    pub fn route_changed(&mut self) {
        let instances = self.sources.values_mut().flatten().flat_map(Incarnation::instances_mut);
        for slot in instances.flat_map(|instance| &mut instance.slots) {
            slot.route_changed();
        }
    }
}

fn incarnation_of<'a>(
    sources: &'a mut ByName<Vec<Incarnation>>,
    batch: &Batch,
) -> Option<(&'a mut Incarnation, bool)> {
    if !sources.contains(&batch.source) {
        if sources.len() >= SOURCES {
            return None;
        }
        sources.insert(&batch.source, Vec::new());
    }
    let known = sources.get_mut(&batch.source)?;
    let at = match known.iter().position(|i| i.id == batch.incarnation) {
        Some(at) => at,
        None => {
            let newest = known.iter().map(|i| i.newest).max();
            if newest.is_some_and(|newest| batch.time < newest) {
                return None; // a late batch of an incarnation that is long gone
            }
            if known.len() >= INCARNATIONS {
                known.remove(0);
            }
            known.reserve_exact(1);
            known.push(Incarnation {
                id: batch.incarnation.clone(),
                newest: batch.time,
                instances: ByName::default(),
                namesakes: ByName::default(),
            });
            known.len() - 1
        }
    };
    let incarnation = known.get_mut(at)?;
    incarnation.newest = incarnation.newest.max(batch.time);
    Some((incarnation, at > 0))
}

// === impl Incarnation ===

impl Incarnation {
    /// One of a side. Both sides may call an instance alike: an address that is used again, or nothing at all.
    fn instance(&mut self, side: Side, id: &str) -> Option<&mut Instance> {
        let is_full = self.instances.len() + self.namesakes.len() >= INSTANCES;
        let is_taken = self.instances.get(id).is_some_and(|known| !known.may_be_of(side));
        let instances = if is_taken { &mut self.namesakes } else { &mut self.instances };
        if !instances.contains(id) {
            if is_full {
                return None;
            }
            instances.insert(id, Instance::default());
        }
        let instance = instances.get_mut(id)?;
        instance.side = Some(side);
        Some(instance)
    }

    fn known(&self, side: Side, id: &str) -> Option<&Instance> {
        let instances = [&self.instances, &self.namesakes].into_iter();
        instances.filter_map(|known| known.get(id)).find(|instance| instance.may_be_of(side))
    }

    fn instances_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        self.instances.values_mut().chain(self.namesakes.values_mut())
    }
}

// === impl Instance ===

impl Instance {
    fn may_be_of(&self, side: Side) -> bool {
        self.side.is_none_or(|of| of == side)
    }

    /// Writes what is new in `sample` to `delta`. None when the sample is late or only the start of counting.
    fn fresh(
        &mut self,
        sample: &Sample,
        time: Timestamp,
        from_zero: bool,
        context: Context<'_>,
        delta: &mut Counts,
    ) -> Option<Fresh> {
        let known = self.slots.iter().position(|s| s.is_for(sample));
        let at = match known {
            Some(at) => at,
            None if sample.revision > 0 && sample.revision <= self.forgotten => return None,
            None => self.open(sample, context)?,
        };
        let slot = self.slots.get_mut(at)?;
        let fresh = slot.advance(sample, time, context, delta);
        (known.is_some() || from_zero).then_some(fresh)
    }

    /// Room for the counters under another revision. None when that is a late one.
    fn open(&mut self, sample: &Sample, context: Context<'_>) -> Option<usize> {
        // what is sent under a revision once two others have come is late: its counters are most of what an analysis keeps
        let mut revisions: Vec<i64> = self.slots.iter().map(Slot::revision).filter(|at| *at > 0).collect();
        revisions.push(sample.revision);
        revisions.sort_unstable_by(|a, b| b.cmp(a));
        revisions.dedup();
        if let Some(late) = revisions.get(REVISIONS) {
            self.forgotten = self.forgotten.max(*late);
            self.slots.retain(|slot| slot.revision() == 0 || slot.revision() > *late);
            if sample.revision > 0 && sample.revision <= *late {
                return None;
            }
        }
        self.slots.reserve_exact(1);
        self.slots.push(Slot::new(sample, context));
        Some(self.slots.len() - 1)
    }

    fn is_warm(&mut self, side: Side, delta: &Counts, context: Context<'_>) -> bool {
        // a source of latencies alone counts no requests
        if self.first_request.is_none() && (delta.requests > 0 || delta.latency.total() > 0) {
            let since_start = context.now.duration_since(context.started).unsigned_abs();
            let served_before = side == Side::Baseline && since_start <= PRESENT_AT_START;
            self.first_request = Some(if served_before { Timestamp::UNIX_EPOCH } else { context.now });
        }
        self.first_request
            .is_some_and(|first| context.now.duration_since(first).unsigned_abs() >= context.warm_up)
    }
}
