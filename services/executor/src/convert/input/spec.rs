//! What instances run.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Artifact, ArtifactSource, Check, FleetSpec, Probe, Resources};

use crate::convert::fields::Fields;

const HOUR: Duration = Duration::from_secs(3600);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// The spec; what it does not say has its documented default.
pub(crate) fn fleet_spec(fields: &Fields<'_>, given: &pb::FleetSpec) -> FleetSpec {
    fields.required("version", &given.version, 128);
    fields.at_most("command", given.command.len(), 256);
    fields.at_most("env", given.env.len(), 256);
    fields.digest("configuration_digest", &given.configuration_digest);
    fields.digest("migrations_digest", &given.migrations_digest);
    let stop_grace = given.stop_grace.as_ref();
    FleetSpec {
        artifact: artifact(fields, given),
        command: given.command.first().cloned().unwrap_or_default(),
        args: given.command.iter().skip(1).cloned().collect(),
        env: given.env.clone().into_iter().collect(),
        ready: given.ready.as_ref().map(|check| self::check(&fields.at("ready"), check)),
        live: given.live.as_ref().map(|check| self::check(&fields.at("live"), check)),
        resources: resources(fields, given.resources.as_ref()),
        stop_grace: fields.duration("stop_grace", stop_grace, Duration::ZERO..=HOUR, Duration::from_secs(10)),
        configuration_digest: given.configuration_digest.clone(),
        migrations_digest: given.migrations_digest.clone(),
    }
}

fn artifact(fields: &Fields<'_>, given: &pb::FleetSpec) -> Artifact {
    let version = given.version.clone();
    let Some(artifact) = &given.artifact else {
        if given.command.is_empty() {
            fields.refuse("artifact", "", "an artifact, or a command that names a program on the machine");
        }
        return Artifact { version, ..Artifact::default() };
    };
    let fields = fields.at("artifact");
    fields.text("name", &artifact.name, 128);
    fields.digest("digest", &artifact.digest);
    let source = match &artifact.source {
        Some(pb::artifact::Source::Path(path)) => {
            if !path.starts_with('/') {
                fields.refuse("path", path, "an absolute path");
            }
            ArtifactSource::Path(path.clone())
        }
        Some(pb::artifact::Source::Image(image)) => {
            fields.required("image", image, 1024);
            ArtifactSource::Image(image.clone())
        }
        Some(pb::artifact::Source::Uploaded(_)) | None => {
            if artifact.digest.is_empty() {
                fields.refuse("digest", "", "the sha256 under which it was uploaded, or a path or image");
            }
            ArtifactSource::Uploaded
        }
    };
    Artifact { name: artifact.name.clone(), version, digest: artifact.digest.clone(), source }
}

fn check(fields: &Fields<'_>, given: &pb::Check) -> Check {
    let probe = match &given.kind {
        Some(pb::check::Kind::HttpPath(path)) => {
            if !path.starts_with('/') || path.len() > 1024 {
                fields.refuse("http_path", path, "a path that starts with /, at most 1,024 characters");
            }
            Probe::Http { port: String::new(), path: path.clone() }
        }
        Some(pb::check::Kind::Tcp(_)) | None => Probe::Tcp { port: String::new() },
    };
    let interval = given.interval.as_ref();
    let timeout = given.timeout.as_ref();
    Check {
        interval: fields.duration("interval", interval, Duration::from_millis(50)..=HOUR, SECOND),
        timeout: fields.duration("timeout", timeout, Duration::from_millis(10)..=MINUTE, SECOND),
        failures: fields.count_or("failures", given.failures, 1..=100, 3),
        successes: fields.count_or("successes", given.successes, 1..=100, 1),
        probe,
    }
}

fn resources(fields: &Fields<'_>, given: Option<&pb::Resources>) -> Resources {
    let Some(given) = given else {
        return Resources::default();
    };
    let fields = fields.at("resources");
    if !(0.0..=4096.0).contains(&given.cpu_cores) {
        fields.refuse("cpu_cores", given.cpu_cores.to_string(), "0–4,096");
    }
    Resources {
        memory_bytes: fields.size("memory_bytes", given.memory_bytes),
        cpu_millis: (given.cpu_cores.clamp(0.0, 4096.0) * 1000.0).round() as u32,
        open_files: fields.size("open_files", given.open_files),
    }
}
