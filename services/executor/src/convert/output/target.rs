//! A target as it is shown.

use bellwether_platform::Capabilities;
use bellwether_proto::{common::v1 as common, executor::v1 as pb};
use bellwether_resource::Entry;
use bellwether_rollout::{Fleet, Ingress, Stage, TargetSpec, TargetState};

use super::{
    actions,
    basic::{reason, shares, timestamp},
    instance::{instances, problems},
    safety::traffic_safe,
    spec::fleet_spec,
};
use crate::{convert::names, targets::Targets};

/// The target, in full; what its platform can do is not part of its state.
pub(crate) fn target(entry: &Entry<Targets>) -> pb::Target {
    let (state, name) = (&entry.state.core, Targets::name(&entry.stream));
    let spec = state.spec.clone().unwrap_or_default();
    let fleet = |id| state.fleets.get(&id).map(fleet);
    pb::Target {
        name: entry.stream.to_string(),
        metadata: Some(metadata(entry, &spec)),
        instances: i32::try_from(spec.instances).unwrap_or(i32::MAX),
        platform: spec.platform,
        router: spec.router,
        ingress: spec.ingress.iter().map(ingress).collect(),
        preview: spec.preview.as_ref().map(ingress),
        stable: state.stable.and_then(fleet),
        candidate: state.candidate().filter(|id| Some(*id) != state.stable).and_then(fleet),
        kept: kept(state),
        active_rollout: state.active().map(|it| names::full_rollout(it.id())).unwrap_or_default(),
        last_rollout_number: i64::try_from(state.numbered).unwrap_or(i64::MAX),
        traffic_safe: traffic_safe(state),
        split: state.observed.split.as_ref().map(shares).unwrap_or_default(),
        instance_states: instances(state, |_| true),
        needs_operator: needs_operator(state),
        taken_over: state.taken_over.is_some(),
        allowed_actions: actions::of_target(state, name, entry.update_time),
        problems: problems(state, |_| true),
        capabilities: None,
    }
}

/// What a platform and its router can do together, for the contract.
pub(crate) fn capabilities(can: Capabilities) -> pb::Capabilities {
    let Capabilities { weights, header_match, mirror, affinity, confirm, drain, surge, preview, fenced } =
        can;
    pb::Capabilities { weights, header_match, mirror, affinity, confirm, drain, surge, preview, fenced }
}

/// A retirement that failed, or what somebody else changes again and again on the platform.
fn needs_operator(state: &TargetState) -> Option<common::Reason> {
    let trouble = state.trouble.as_ref().map(|trouble| &trouble.reason);
    trouble.or(state.contested.as_ref()).map(reason)
}

fn metadata(entry: &Entry<Targets>, spec: &TargetSpec) -> common::Metadata {
    common::Metadata {
        team: spec.team.clone(),
        labels: spec.labels.clone().into_iter().collect(),
        etag: entry.state.etag.to_string(),
        version: i64::try_from(entry.version).unwrap_or(i64::MAX),
        create_time: Some(timestamp(entry.create_time)),
        update_time: Some(timestamp(entry.update_time)),
    }
}

fn fleet(fleet: &Fleet) -> pb::Fleet {
    pb::Fleet {
        id: fleet.id.to_string(),
        spec: Some(fleet_spec(&fleet.spec, false)),
        rollout: format!("rollouts/{}", fleet.id),
    }
}

fn kept(state: &TargetState) -> Vec<pb::KeptFleet> {
    let kept = state.aftercare.iter().filter_map(|care| match care.stage {
        Stage::Kept { until } => Some((state.fleets.get(&care.fleet?)?, until)),
        Stage::Draining { .. } | Stage::Removing | Stage::Contract { .. } => None,
    });
    kept.map(|(it, until)| pb::KeptFleet { fleet: Some(fleet(it)), keep_until: Some(timestamp(until)) })
        .collect()
}

fn ingress(ingress: &Ingress) -> pb::Ingress {
    let tls = ingress.tls.clone();
    pb::Ingress {
        listen: ingress.listen.clone(),
        host: ingress.host.clone(),
        path_prefix: ingress.path.clone(),
        header: ingress.header.clone(),
        tls_certificate_file: tls.as_ref().map(|it| it.certificate_file.clone()).unwrap_or_default(),
        tls_key_file: tls.map(|it| it.key_file).unwrap_or_default(),
        session_cookie: ingress.session_cookie.clone(),
        session_header: ingress.session_header.clone(),
        version_header: ingress.version_header.clone(),
    }
}
