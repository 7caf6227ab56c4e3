//! Fleets as they are wished for.

use std::time::Duration;

use bellwether_proto::{
    agent::v1::{self as proto, InstanceProtocol},
    executor::v1::{self as executor, artifact::Source, check::Kind},
};
use bellwether_resource::Violations;

use crate::{
    gateway::Protocol,
    supervisor::{Artifact, Check, FleetWish, Limits, Probe, Spec},
};

const MAX_COUNT: i32 = 10_000;
const GRACE: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A fleet that should exist.
pub(super) fn fleet(violations: &mut Violations, fleet: proto::DesiredFleet) -> FleetWish {
    violations.text("id", &fleet.id, 1..=64);
    violations.range("count", fleet.count, 0..=MAX_COUNT);
    let protocol =
        violations.enumeration("protocol", fleet.protocol).unwrap_or(InstanceProtocol::Unspecified);
    let protocol = match protocol {
        InstanceProtocol::Unspecified | InstanceProtocol::Auto => Protocol::Auto,
        InstanceProtocol::Http1 => Protocol::Http1,
        InstanceProtocol::Http2 => Protocol::Http2,
    };
    let given = violations.required("spec", fleet.spec).unwrap_or_default();
    let spec = violations.within("spec", |violations| spec(violations, given, protocol));
    FleetWish { id: fleet.id, spec, count: usize::try_from(fleet.count).unwrap_or(0) }
}

fn spec(violations: &mut Violations, spec: executor::FleetSpec, protocol: Protocol) -> Spec {
    violations.check(spec.command.len() <= 256, "command", spec.command.len(), "at most 256 words");
    violations.check(spec.env.len() <= 256, "env", spec.env.len(), "at most 256 variables");
    let plain = |(name, value): (&String, &String)| {
        !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0')
    };
    let wrong = spec.env.iter().find(|variable| !plain(*variable)).map(|(name, _)| name.as_str());
    violations.check(
        wrong.is_none(),
        "env",
        wrong.unwrap_or_default(),
        "names without = and NUL, values without NUL",
    );
    let grace = violations.duration("stop_grace", spec.stop_grace.as_ref(), Duration::ZERO..=HOUR);
    let artifact =
        spec.artifact.and_then(|it| violations.within("artifact", |violations| artifact(violations, it)));
    violations.check(
        artifact.is_some() || !spec.command.is_empty(),
        "command",
        "nothing",
        "required without an artifact",
    );
    let resources = spec.resources.unwrap_or_default();
    let mut check =
        |field: &str, it: executor::Check| violations.within(field, |violations| check(violations, it));
    Spec {
        version: spec.version,
        artifact,
        command: spec.command,
        env: spec.env.into_iter().collect(),
        ready: spec.ready.map(|it| check("ready", it)).unwrap_or_default(),
        live: spec.live.map(|it| check("live", it)),
        stop_grace: grace.unwrap_or(GRACE),
        limits: Limits {
            memory_bytes: u64::try_from(resources.memory_bytes).unwrap_or(0),
            cpu_cores: resources.cpu_cores.max(0.0),
            open_files: u64::try_from(resources.open_files).unwrap_or(0),
        },
        protocol,
    }
}

fn artifact(violations: &mut Violations, artifact: executor::Artifact) -> Option<Artifact> {
    let digest = artifact.digest.strip_prefix("sha256:").unwrap_or(&artifact.digest).to_owned();
    match artifact.source {
        Some(Source::Path(path)) => {
            violations.check(path.starts_with('/'), "path", &path, "an absolute path");
            Some(Artifact { digest, path: Some(path.into()) })
        }
        Some(Source::Uploaded(_)) => {
            violations.check(digest.len() == 64, "digest", &digest, "a sha256 in hex");
            Some(Artifact { digest, path: None })
        }
        Some(Source::Image(image)) => {
            violations.add("image", image, "path or uploaded: this platform runs no images");
            None
        }
        None => None,
    }
}

fn check(violations: &mut Violations, check: executor::Check) -> Check {
    let executor::Check { kind, interval, timeout, successes, failures } = check;
    let probe = match kind {
        Some(Kind::HttpPath(path)) => {
            violations.check(path.starts_with('/'), "http_path", &path, "it starts with /");
            Probe::Http(path)
        }
        Some(Kind::Tcp(_)) | None => Probe::Tcp,
    };
    let mut times = |field: &str, times: i32, default: u32| {
        violations.range(field, times, 0..=100);
        u32::try_from(times).ok().filter(|times| *times > 0).unwrap_or(default)
    };
    let (successes, failures) = (times("successes", successes, 1), times("failures", failures, 3));
    let interval = violations.duration("interval", interval.as_ref(), Duration::from_millis(50)..=HOUR);
    let timeout = violations.duration("timeout", timeout.as_ref(), Duration::from_millis(10)..=MINUTE);
    Check {
        probe,
        interval: interval.unwrap_or(SECOND),
        timeout: timeout.unwrap_or(SECOND),
        successes,
        failures,
    }
}
