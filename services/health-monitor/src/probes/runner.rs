//! Tries a probe again and again.

use std::{sync::Arc, time::Duration};

use bellwether_clock::Timestamp;
use bellwether_judge::SegmentKind;
use bellwether_proto::monitor::v1 as pb;
use tokio::sync::Notify;

use super::{
    attempt::Attempt,
    spec::{Access, Spec},
    standing::Reached,
};
use crate::{
    monitor::Monitor,
    running::{Place, Running},
};

/// Spread of the interval, in percent: probes of one file do not all come at once.
const SPREAD: u8 = 10;
/// A run that a verdict waits for comes again after this long, then after twice as long, and so on up to the interval.
const SOON: Duration = Duration::from_secs(1);
/// Between two runs, however long the first took.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// Tries it until the task is ended.
pub async fn run(monitor: Monitor, spec: Arc<Spec>, wake: Arc<Notify>) {
    let env = monitor.probes.tools.env().clone();
    let own = Access::own();
    let mut soon = SOON;
    loop {
        let begun = env.now();
        round(&monitor, &spec, &own).await;
        let awaited = monitor.registry.of_target(&spec.target).iter().any(|it| it.awaits_probe(&spec.id));
        let interval = if awaited { spec.interval.min(soon) } else { spec.interval };
        let pause = env.jitter(interval, SPREAD).saturating_sub(env.since(begun));
        tokio::select! {
            () = tokio::time::sleep(pause.max(LEAST_PAUSE)) => soon = soon.saturating_mul(2),
            () = wake.notified() => soon = SOON,
        }
    }
}

/// One run at the probe's own address, and one at each version that has an access of its own now.
async fn round(monitor: &Monitor, spec: &Arc<Spec>, own: &Access) {
    let analyses = || monitor.registry.of_target(&spec.target).into_iter();
    let before: Vec<_> = analyses().map(|running| (running.place(monitor.now()), running)).collect();
    let attempt = attempt(monitor, spec, own).await;
    for (place, running) in &before {
        if let Some(reached) = reached_at_own(spec, place) {
            tell(monitor, spec, running, place, reached, &attempt);
        }
    }
    if monitor.probes.note(spec, attempt) {
        monitor.recorder.vitality().turned();
    }
    for running in analyses() {
        for (access, reached) in [(&spec.candidate, Reached::Candidate), (&spec.baseline, Reached::Baseline)]
        {
            let place = running.place(monitor.now());
            if let Some(access) = access.as_ref().filter(|access| leads(access, reached, &place)) {
                let attempt = self::attempt(monitor, spec, access).await;
                tell(monitor, spec, &running, &place, reached, &attempt);
            }
        }
    }
}

async fn attempt(monitor: &Monitor, spec: &Spec, access: &Access) -> Attempt {
    // never closed
    let _permit = monitor.probes.permits.acquire().await.ok();
    let attempt = monitor.probes.tools.run(spec, access).await;
    monitor.metrics.probed(attempt.failure.is_none());
    attempt
}

/// Hands a run to an analysis, unless that is somewhere else by now.
fn tell(
    monitor: &Monitor,
    spec: &Spec,
    running: &Arc<Running>,
    place: &Place,
    reached: Reached,
    attempt: &Attempt,
) {
    let now: Timestamp = monitor.now();
    if running.place(now).segment != place.segment {
        return;
    }
    let compared = is_compared(spec, place);
    if spec.blocking {
        monitor.recorder.tried(&running.target, recorded(spec, running, (reached, compared), attempt), now);
    }
    if running.probed(&spec.id, (reached, compared), attempt, now) {
        monitor.settle(running.clone());
    }
}

/// A run as it is recorded.
fn recorded(
    spec: &Spec,
    running: &Running,
    (reached, compared): (Reached, bool),
    attempt: &Attempt,
) -> pb::RecordedProbe {
    let fleet = match reached {
        Reached::Candidate => &running.candidate,
        Reached::Baseline => &running.baseline,
    };
    pb::RecordedProbe {
        probe: spec.id.clone(),
        fleet: fleet.clone(),
        runs: 1,
        failed: u64::from(attempt.failure.is_some()),
        compared,
    }
}

/// Whether it reaches both versions here, each for itself.
fn is_compared(spec: &Spec, place: &Place) -> bool {
    let leads_to = |access: &Option<Access>, reached| {
        access.as_ref().is_some_and(|access| leads(access, reached, place))
    };
    let baseline =
        reached_at_own(spec, place) == Some(Reached::Baseline) || leads_to(&spec.baseline, Reached::Baseline);
    baseline && leads_to(&spec.candidate, Reached::Candidate)
}

/// The version that the probe's own address alone leads to; None: both, or nobody knows.
fn reached_at_own(spec: &Spec, place: &Place) -> Option<Reached> {
    let segment = &place.segment;
    match segment.kind {
        // the route may be on its way: what the candidate was seen to get, the probe gets from it as well
        SegmentKind::Full => place.used.then_some(Reached::Candidate),
        SegmentKind::Preview | SegmentKind::Shadow | SegmentKind::Split => {
            let alone = segment.share <= 0.0 && place.has_baseline && spec.baseline.is_none();
            alone.then_some(Reached::Baseline)
        }
    }
}

/// Whether an access leads to its version alone now.
fn leads(access: &Access, reached: Reached, place: &Place) -> bool {
    let kind = place.segment.kind;
    match reached {
        Reached::Candidate => match kind {
            SegmentKind::Full => false,
            SegmentKind::Preview => place.settled,
            SegmentKind::Split | SegmentKind::Shadow => access.always && place.settled,
        },
        Reached::Baseline => kind != SegmentKind::Full && place.has_baseline,
    }
}
