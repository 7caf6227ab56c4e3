//! Between the agent's contract and the fake's domain: the other way round than the driver.

use std::time::Duration;

use bellwether_platform::{Capabilities, Fence, PlatformObserved, RouterObserved};
use bellwether_proto::{agent::v1 as pb, executor::v1 as executor};
use bellwether_resource::time;
use bellwether_rollout::{
    Artifact, Desired, DesiredDrain, DesiredFleet, Exit, FleetId, FleetSpec, Instance, Percent, Split,
    TargetSpec,
};
use tonic::Status;

use super::refusal::malformed;

pub(super) fn capabilities(can: Capabilities) -> pb::GetCapabilitiesResponse {
    pb::GetCapabilitiesResponse {
        weights: can.weights,
        header_match: can.header_match,
        mirror: can.mirror,
        affinity: can.affinity,
        confirm: can.confirm,
        drain: can.drain,
        surge: can.surge,
        preview: can.preview,
        fenced: can.fenced,
        version: "simulated".to_owned(),
    }
}

pub(super) fn fence(given: Option<&pb::Fence>) -> Result<Fence, Status> {
    let read = |given: &pb::Fence| {
        Some(Fence {
            journal_id: given.journal_id.parse().ok()?,
            epoch: given.epoch.try_into().ok()?,
            generation: given.generation.try_into().ok()?,
        })
    };
    given.and_then(read).ok_or_else(|| malformed("the fence"))
}

/// Everything that the fake looks at.
pub(super) fn desired(given: &pb::Desired, generation: u64) -> Result<Desired, Status> {
    let fleet = |it: &pb::DesiredFleet| {
        let version = it.spec.as_ref().map(|spec| spec.version.clone()).unwrap_or_default();
        let artifact = Artifact { version, ..Default::default() };
        Some(DesiredFleet {
            id: id(&it.id)?,
            spec_digest: String::new(),
            spec: FleetSpec { artifact, ..Default::default() },
            count: it.count.try_into().ok()?,
        })
    };
    let drains = given.drains.iter().map(|it| {
        let (fleet, left) = drain(it)?;
        Ok(DesiredDrain { fleet, until: Default::default(), left })
    });
    let route = given.route.clone().unwrap_or_default();
    Ok(Desired {
        generation,
        target: TargetSpec::default(),
        fleets: given.fleets.iter().map(fleet).collect::<Option<_>>().ok_or_else(|| malformed("a fleet"))?,
        split: split(&route)?,
        route_revision: route.revision.try_into().map_err(|_| malformed("the route's revision"))?,
        drains: drains.collect::<Result<_, Status>>()?,
        stable: None,
        journeys: Vec::new(),
        hands_off: false,
    })
}

pub(super) fn drain(given: &pb::Drain) -> Result<(FleetId, Duration), Status> {
    let left = given.time_left.as_ref().and_then(time::span).unwrap_or_default();
    id(&given.fleet).map(|fleet| (fleet, left)).ok_or_else(|| malformed("the fleet of a drain"))
}

/// Shares alone: no simulated release matches, mirrors or sticks.
fn split(route: &pb::DesiredRoute) -> Result<Split, Status> {
    let share = |it: &executor::Share| Some((id(&it.fleet)?, Percent::from_f64(it.percent)?));
    let shares = route.split.iter().map(share).collect::<Option<_>>();
    Ok(Split { shares: shares.ok_or_else(|| malformed("a share"))?, ..Default::default() })
}

pub(super) fn observed(target: &str, platform: PlatformObserved, router: RouterObserved) -> pb::Observed {
    let signed = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
    let split = router.split.unwrap_or_default();
    let share = |(fleet, share): (&FleetId, &Percent)| executor::Share {
        fleet: fleet.to_string(),
        percent: share.as_f64(),
    };
    let route = pb::ObservedRoute {
        revision: signed(router.route_revision.unwrap_or_default()),
        split: split.shares.iter().map(share).collect(),
        ..Default::default()
    };
    pb::Observed {
        target: target.to_owned(),
        generation: signed(platform.generation),
        route_generation: signed(router.generation.unwrap_or_default()),
        instances: platform.instances.iter().map(instance).collect(),
        route: Some(route),
        drained_fleets: router.drained.keys().map(ToString::to_string).collect(),
        cut_by_drain: router.drained.iter().map(|(id, it)| (id.to_string(), it.cut_by_drain)).collect(),
        taken_over: platform.taken_over.is_some(),
        taken_over_reason: platform.taken_over.unwrap_or_default(),
        ..Default::default()
    }
}

fn instance(it: &Instance) -> executor::Instance {
    let exit = |Exit { code, signal, log_tail }: Exit| executor::InstanceExit {
        code,
        signal,
        log_tail,
        ..Default::default()
    };
    executor::Instance {
        id: it.id.to_string(),
        fleet: it.fleet.to_string(),
        ready: it.ready,
        restarts: i32::try_from(it.restarts).unwrap_or(i32::MAX),
        last_exit: it.last_exit.clone().map(exit),
        start_time: it.start_time.map(time::to_timestamp),
        draining: it.stopping,
        ..Default::default()
    }
}

fn id(text: &str) -> Option<FleetId> {
    Some(FleetId(text.parse().ok()?))
}
