//! A target under test, and what is wanted of it.

use std::{collections::BTreeMap, time::Duration};

use bellwether_rollout::{
    Desired, DesiredDrain, DesiredFleet, FleetId, FleetSpec, Observed, Percent, Split, TargetSpec,
};
use futures::StreamExt;
use jiff::Timestamp;
use uuid::Uuid;

use super::Subject;
use crate::{Driver, Fence, Result};

/// One check's target.
pub(super) struct World {
    pub(super) driver: Driver,
    pub(super) name: String,
    pub(super) fence: Fence,
    target: TargetSpec,
    fleets: BTreeMap<FleetId, (FleetSpec, u32)>,
    split: Split,
    revision: u64,
    drains: Vec<DesiredDrain>,
    limit: Duration,
}

pub(super) fn fleet_id(number: u128) -> FleetId {
    FleetId(Uuid::from_u128(0xf1ee7 + number))
}

// === impl World ===

impl World {
    pub(super) async fn new(subject: &dyn Subject, check: &str) -> Self {
        let name = format!("{check}@kit");
        Self {
            driver: subject.driver().await,
            target: subject.target(&name, 2),
            name,
            fence: Fence { journal_id: Uuid::from_u128(0x70), epoch: 1, generation: 0 },
            fleets: BTreeMap::new(),
            split: Split::default(),
            revision: 0,
            drains: Vec::new(),
            limit: subject.limit(),
        }
    }

    pub(super) fn want(&mut self, number: u128, spec: FleetSpec, count: u32) {
        self.fleets.insert(fleet_id(number), (spec, count));
    }

    pub(super) fn forget(&mut self, number: u128) {
        self.fleets.remove(&fleet_id(number));
    }

    pub(super) fn split(&mut self, shares: &[(u128, u32)]) {
        let shares = shares.iter().map(|(number, share)| (fleet_id(*number), Percent::new(*share))).collect();
        self.split = Split { shares, ..Split::default() };
        self.revision += 1;
    }

    pub(super) fn with_split(&mut self, change: impl FnOnce(&mut Split)) {
        change(&mut self.split);
        self.revision += 1;
    }

    pub(super) fn drain(&mut self, number: u128, left: Duration) {
        self.drains.push(DesiredDrain { fleet: fleet_id(number), until: Timestamp::MAX, left });
    }

    pub(super) fn desired(&self) -> Desired {
        let fleet = |(id, (spec, count)): (&FleetId, &(FleetSpec, u32))| DesiredFleet {
            id: *id,
            spec_digest: spec.identity(),
            spec: spec.clone(),
            count: *count,
        };
        Desired {
            generation: self.fence.generation,
            target: self.target.clone(),
            fleets: self.fleets.iter().map(fleet).collect(),
            split: self.split.clone(),
            route_revision: self.revision,
            drains: self.drains.clone(),
            stable: None,
            journeys: vec![],
            hands_off: false,
        }
    }

    /// Asks for what is wanted, as a new generation.
    pub(super) async fn converge(&mut self) -> Result<()> {
        self.fence.generation += 1;
        self.repeat().await
    }

    /// Asks for it again.
    pub(super) async fn repeat(&self) -> Result<()> {
        self.driver.converge(&self.name, &self.desired(), self.fence).await
    }

    /// Waits until something is seen; panics with what was seen last.
    #[expect(clippy::panic, reason = "a failed check")]
    pub(super) async fn until(&self, what: &str, holds: impl Fn(&Observed) -> bool) -> Observed {
        let mut watch = Box::pin(self.driver.watch(&self.name));
        let mut last = None;
        let seen = async {
            while let Some(seen) = watch.next().await {
                match seen {
                    Ok(seen) if holds(&seen) => return Some(seen),
                    other => last = Some(other),
                }
            }
            None
        };
        match tokio::time::timeout(self.limit, seen).await {
            Ok(Some(seen)) => seen,
            Ok(None) => panic!("{}: the watch ended before: {what}", self.name),
            Err(_) => panic!("{}: not within {:?}: {what}; last seen: {last:?}", self.name, self.limit),
        }
    }

    /// Waits until so many instances of a fleet are ready, and no more exist.
    pub(super) async fn until_ready(&self, number: u128, count: u32) -> Observed {
        let fleet = fleet_id(number);
        let what = format!("{count} instances of fleet {number} are ready");
        self.until(&what, |it| it.ready(fleet) == count && it.existing(fleet) == count).await
    }

    /// Waits until the split is read back as wanted, under this generation.
    pub(super) async fn until_routed(&self) -> Observed {
        let (generation, split) = (self.fence.generation, &self.split);
        self.until("the split is confirmed", |it| {
            it.generation >= generation && it.split.as_ref() == Some(split)
        })
        .await
    }
}
