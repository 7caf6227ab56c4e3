//! A target as its events have made it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Drained, Fleet, FleetId, FleetSpec, HookRun, Incident, Instance, InstanceId, Percent, Problem, Reason,
    Rollout, RolloutId, Split, TargetSpec,
};

/// The state of one target: the unit of journal stream, of desired state, of fencing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetState {
    /// What it is; none before ApplyTarget and after DeleteTarget.
    pub spec: Option<TargetSpec>,
    /// The stream's version: how many events made this state.
    pub version: u64,
    /// The version at which the desired state last changed.
    pub desired_since: u64,
    /// n in all bounds: the smaller of old and new until the new instances are ready.
    pub settled: u32,
    /// Every fleet that should exist.
    pub fleets: BTreeMap<FleetId, Fleet>,
    /// The fleet that serves.
    pub stable: Option<FleetId>,
    /// Who gets traffic.
    pub split: Split,
    /// Rises with each change of `split`.
    pub route_revision: u64,
    /// Fleets that are being drained, and until when.
    pub drains: BTreeMap<FleetId, Timestamp>,
    /// What was last seen.
    pub observed: Seen,
    /// Rollouts; ended ones as long as they can be taken back, and the last 5 others.
    pub rollouts: BTreeMap<RolloutId, Rollout>,
    /// Those that have not ended, in the order in which they run; the first may be running.
    pub queue: Vec<RolloutId>,
    /// How many rollouts were ever accepted.
    pub numbered: u64,
    /// What has served here, oldest first (the last 20); the last one is stable.
    pub past: Vec<Past>,
    /// Old fleets on their way out, with the contract migrations that follow.
    pub aftercare: Vec<Aftercare>,
    /// Why a person is needed where no rollout can say so.
    pub trouble: Option<Trouble>,
    /// Nothing converges: a person has taken over (emergency route, TAKEN_OVER).
    pub taken_over: Option<Reason>,
    /// When what a person had changed on the platform was last corrected.
    pub drift_at: Option<Timestamp>,
    /// A person changes again what was corrected: nothing converges until somebody decides.
    pub contested: Option<Reason>,
    /// What this target and others lost together last.
    pub incident: Option<Incident>,
}

/// What was last seen on the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// The generation that platform and router have applied.
    pub generation: u64,
    /// Whether anything was ever seen.
    pub any: bool,
    /// The instances.
    pub instances: BTreeMap<InstanceId, Instance>,
    /// The split as read back.
    pub split: Option<Split>,
    /// Fleets whose last connection has ended.
    pub drained: BTreeMap<FleetId, Drained>,
    /// The reason of a take-over on the platform itself.
    pub taken_over: Option<String>,
    /// What keeps the platform or the router from what they were asked for.
    pub problems: Vec<Problem>,
}

/// A release that has served.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// Its rollout.
    pub rollout: RolloutId,
    /// Its fleet.
    pub fleet: FleetId,
    /// What it ran.
    pub spec: FleetSpec,
    /// The release's name.
    pub release: String,
    /// When it became stable.
    pub at: Timestamp,
}

/// An old fleet after a success.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aftercare {
    /// The rollout that replaced it, whose policies hold.
    pub rollout: RolloutId,
    /// The old fleet; none when nothing is left of it.
    pub fleet: Option<FleetId>,
    /// Where it is.
    pub stage: Stage,
    /// Since when.
    pub since: Timestamp,
}

/// Where an old fleet is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Stage {
    /// Ready to take the traffic back.
    Kept {
        /// Until then.
        until: Timestamp,
    },
    /// Its last connections end.
    Draining {
        /// Until then.
        until: Timestamp,
    },
    /// Its instances stop.
    Removing,
    /// It is gone; the contract migrations run.
    Contract {
        /// Which one of the policies' `contract`.
        index: usize,
        /// Its call.
        run: HookRun,
    },
}

/// A person is needed, and no rollout runs that could say so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
    /// The rollout whose aftercare it is; none: drift.
    pub aftercare: Option<RolloutId>,
}

// === impl TargetState ===

impl TargetState {
    /// n.
    pub fn instances(&self) -> u32 {
        self.spec.as_ref().map_or(0, |spec| spec.instances)
    }

    /// The first rollout that has not ended.
    pub fn active(&self) -> Option<&Rollout> {
        self.queue.first().and_then(|id| self.rollouts.get(id))
    }

    /// The rollout that has begun and has not ended.
    pub fn begun(&self) -> Option<&Rollout> {
        self.active().filter(|rollout| rollout.started_at.is_some())
    }

    /// The fleet that may get traffic besides stable.
    pub fn candidate(&self) -> Option<FleetId> {
        self.begun().map(|rollout| rollout.fleet)
    }

    /// Ready instances of a fleet.
    pub fn ready(&self, fleet: FleetId) -> u32 {
        self.observed.count(|it| it.fleet == fleet && it.ready && !it.stopping)
    }

    /// Instances of a fleet, stopping ones too.
    pub fn existing(&self, fleet: FleetId) -> u32 {
        self.observed.count(|it| it.fleet == fleet)
    }

    /// Wanted instances of a fleet.
    pub fn wanted(&self, fleet: FleetId) -> u32 {
        let Some(fleet) = self.fleets.get(&fleet) else { return 0 };
        fleet.size.count(self.instances(), self.split.share(fleet.id))
    }

    /// What keeps a fleet from running; else what keeps its target from being as it should.
    pub fn problem(&self, fleet: FleetId) -> Option<&Problem> {
        let of_fleet = |it: &Problem| {
            let instance = it.instance.and_then(|id| self.observed.instances.get(&id));
            it.fleet.or(instance.map(|it| it.fleet))
        };
        let all = &self.observed.problems;
        let own = all.iter().filter(|it| of_fleet(it) == Some(fleet));
        // one that does not go away by itself says more than one that may
        own.clone()
            .find(|it| it.lasts())
            .or_else(|| own.clone().next())
            .or_else(|| all.iter().find(|it| of_fleet(it).is_none()))
    }

    /// Whether platform and router have applied what is wanted now.
    pub fn applied(&self) -> bool {
        self.observed.any && self.observed.generation >= self.desired_since
    }

    /// Whether the split was read back as it is wanted now.
    pub fn route_confirmed(&self) -> bool {
        self.applied() && self.observed.split.as_ref() == Some(&self.split)
    }

    /// Whether nothing may be converged.
    pub fn hands_off(&self) -> bool {
        self.taken_over.is_some() || self.contested.is_some()
    }

    /// Whether the ready instances of a fleet can carry this share of traffic.
    pub fn can_carry(&self, fleet: FleetId, share: Percent) -> bool {
        share.of(self.settled.max(1)) <= self.ready(fleet)
    }

    /// The share of traffic that the ready instances of a fleet can carry.
    pub fn carries(&self, fleet: FleetId) -> Percent {
        Percent::ratio(self.ready(fleet), self.settled.max(1))
    }
}

// === impl Seen ===

impl Seen {
    fn count(&self, which: impl Fn(&Instance) -> bool) -> u32 {
        self.instances.values().filter(|it| which(it)).count().try_into().unwrap_or(u32::MAX)
    }
}
