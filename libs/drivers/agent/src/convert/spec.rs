//! What a fleet runs, as the agent takes it.

use bellwether_platform::Result;
use bellwether_proto::executor::v1::{self as proto, artifact::Source, check::Kind};
use bellwether_resource::time;
use bellwether_rollout::{Artifact, ArtifactSource, Check, FleetSpec, Probe};

use super::input::unsupported;

/// Stands for the artifact's path in a command line.
const ARTIFACT: &str = "{artifact}";

/// What a fleet runs.
///
/// # Errors
/// Something in it that the agent cannot do.
pub(super) fn spec(spec: &FleetSpec) -> Result<proto::FleetSpec> {
    let check = |check: &Option<Check>| check.as_ref().map(self::check).transpose();
    Ok(proto::FleetSpec {
        version: spec.artifact.version.clone(),
        artifact: artifact(&spec.artifact)?,
        command: command(spec),
        env: spec.env.clone().into_iter().collect(),
        ready: check(&spec.ready)?,
        live: check(&spec.live)?,
        stop_grace: Some(time::to_duration(spec.grace())),
        resources: Some(proto::Resources {
            memory_bytes: i64::try_from(spec.resources.memory_bytes).unwrap_or(i64::MAX),
            cpu_cores: f64::from(spec.resources.cpu_millis) / 1000.0,
            open_files: 0,
        }),
        configuration_digest: spec.configuration_digest.clone(),
        migrations_digest: spec.migrations_digest.clone(),
        irreversible: false,
        identity: spec.identity(),
    })
}

/// The command line; none where the artifact is run as it is.
fn command(spec: &FleetSpec) -> Vec<String> {
    if spec.command.is_empty() && spec.args.is_empty() {
        return Vec::new();
    }
    let program = if spec.command.is_empty() { ARTIFACT } else { spec.command.as_str() };
    std::iter::once(program.to_owned()).chain(spec.args.iter().cloned()).collect()
}

/// An uploaded artifact is known by its digest; one without has nothing to run beside its command.
fn artifact(artifact: &Artifact) -> Result<Option<proto::Artifact>> {
    let source = match &artifact.source {
        ArtifactSource::Path(path) => Source::Path(path.clone()),
        ArtifactSource::Uploaded if artifact.digest.is_empty() => return Ok(None),
        ArtifactSource::Uploaded => Source::Uploaded(true),
        ArtifactSource::Image(_) => return Err(unsupported("run images")),
    };
    Ok(Some(proto::Artifact {
        name: artifact.name.clone(),
        digest: artifact.digest.clone(),
        source: Some(source),
    }))
}

fn check(check: &Check) -> Result<proto::Check> {
    let kind = match &check.probe {
        Probe::Http { path, .. } => Kind::HttpPath(path.clone()),
        Probe::Tcp { .. } => Kind::Tcp(true),
        Probe::Grpc { .. } => return Err(unsupported("check by gRPC health")),
    };
    Ok(proto::Check {
        kind: Some(kind),
        interval: Some(time::to_duration(check.interval)),
        timeout: Some(time::to_duration(check.timeout)),
        successes: 1,
        failures: i32::try_from(check.failures).unwrap_or(i32::MAX),
    })
}
