//! What instances run.

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Artifact, ArtifactSource, Check, FleetSpec, Probe, Resources};

use super::basic::duration;

/// The spec with its identity.
pub(crate) fn fleet_spec(spec: &FleetSpec, irreversible: bool) -> pb::FleetSpec {
    let words = std::iter::once(&spec.command).chain(&spec.args);
    pb::FleetSpec {
        version: spec.artifact.version.clone(),
        artifact: artifact(&spec.artifact),
        command: if spec.command.is_empty() { Vec::new() } else { words.cloned().collect() },
        env: spec.env.clone().into_iter().collect(),
        ready: spec.ready.as_ref().map(check),
        live: spec.live.as_ref().map(check),
        stop_grace: Some(duration(spec.grace())),
        resources: resources(spec.resources),
        configuration_digest: spec.configuration_digest.clone(),
        migrations_digest: spec.migrations_digest.clone(),
        irreversible,
        identity: spec.identity(),
    }
}

fn artifact(artifact: &Artifact) -> Option<pb::Artifact> {
    use pb::artifact::Source;
    let source = match &artifact.source {
        ArtifactSource::Path(path) => Source::Path(path.clone()),
        ArtifactSource::Image(image) => Source::Image(image.clone()),
        ArtifactSource::Uploaded if artifact.digest.is_empty() => return None,
        ArtifactSource::Uploaded => Source::Uploaded(true),
    };
    let (name, digest) = (artifact.name.clone(), artifact.digest.clone());
    Some(pb::Artifact { name, digest, source: Some(source) })
}

fn check(check: &Check) -> pb::Check {
    use pb::check::Kind;
    let kind = match &check.probe {
        Probe::Http { path, .. } => Kind::HttpPath(path.clone()),
        // the contract has no gRPC check: a spec with one never came through it
        Probe::Tcp { .. } | Probe::Grpc { .. } => Kind::Tcp(true),
    };
    pb::Check {
        interval: Some(duration(check.interval)),
        timeout: Some(duration(check.timeout)),
        successes: i32::try_from(check.successes).unwrap_or(i32::MAX),
        failures: i32::try_from(check.failures).unwrap_or(i32::MAX),
        kind: Some(kind),
    }
}

fn resources(resources: Resources) -> Option<pb::Resources> {
    (resources != Resources::default()).then(|| pb::Resources {
        memory_bytes: i64::try_from(resources.memory_bytes).unwrap_or(i64::MAX),
        cpu_cores: f64::from(resources.cpu_millis) / 1000.0,
        open_files: i64::try_from(resources.open_files).unwrap_or(i64::MAX),
    })
}
