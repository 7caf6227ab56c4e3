//! A probe of a request.

use std::time::Duration;

use bellwether_proto::monitor::v1::{self as pb, probe::Kind as Given};
use bellwether_resource::{
    Violations,
    name::{APPLICATION, ENVIRONMENT, Id, Kind as Collection, is_id},
};

use super::{Access, Address, Grpc, Journey, Kind, Spec};

/// `probes/<id>`.
const PROBE: Collection = Collection { collection: "probes", id: Id::Chosen };
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);
const FAILURES: u32 = 2;
const LONGEST_INTERVAL: Duration = Duration::from_secs(3_600);
const LEAST_TIMEOUT: Duration = Duration::from_millis(100);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);
const MOST_SERVICE: usize = 255;

/// The id of `probes/<id>` or `<id>`.
pub fn given_id<'g>(violations: &mut Violations, field: &str, given: &'g str) -> &'g str {
    chosen(violations, field, given, PROBE)
}

/// A probe with every violation noted; None: there are some.
pub fn read(violations: &mut Violations, given: &pb::Probe) -> Option<Spec> {
    let id = given_id(violations, "name", &given.name);
    let application = chosen(violations, "application", &given.application, APPLICATION);
    let environment = chosen(violations, "environment", &given.environment, ENVIRONMENT);
    if let Some(metadata) = &given.metadata {
        violations.within("metadata", |violations| {
            violations.team("team", &metadata.team);
            violations.labels("labels", &metadata.labels);
        });
    }
    let bounds = Duration::from_secs(1)..=LONGEST_INTERVAL;
    let interval = violations.duration("interval", given.interval.as_ref(), bounds).unwrap_or(INTERVAL);
    let bounds = LEAST_TIMEOUT..=LONGEST_TIMEOUT.min(interval);
    let timeout = violations.duration("timeout", given.timeout.as_ref(), bounds);
    let failures = given.failures;
    violations.range("failures", failures, 0..=10);
    let failures = u32::try_from(failures).ok().filter(|failures| *failures > 0).unwrap_or(FAILURES);
    let blocking = role(violations, given.role);
    let kind = violations.required("kind", given.kind.as_ref())?;
    let candidate = access(violations, "candidate", given.candidate.as_ref(), kind);
    let baseline = access(violations, "baseline", given.baseline.as_ref(), kind);
    if let Some(baseline) = &given.baseline {
        violations.check(baseline.reach == 0, "baseline.reach", baseline.reach, "nothing: of candidate only");
    }
    let kind = kind_of(violations, kind)?;
    violations.is_empty().then(|| Spec {
        id: id.to_owned(),
        target: format!("targets/{application}@{environment}"),
        application: application.to_owned(),
        environment: environment.to_owned(),
        interval,
        timeout: timeout.unwrap_or(TIMEOUT.min(interval)),
        failures,
        blocking,
        kind,
        candidate,
        baseline,
    })
}

fn chosen<'g>(violations: &mut Violations, field: &str, given: &'g str, kind: Collection) -> &'g str {
    let id = given.strip_prefix(kind.collection).and_then(|rest| rest.strip_prefix('/')).unwrap_or(given);
    violations.check(is_id(id), field, format!("{given:?}"), format!("{}, or <id> alone", kind.pattern()));
    id
}

/// Whether PASS waits for it.
fn role(violations: &mut Violations, given: i32) -> bool {
    let role = violations.enumeration::<pb::CheckRole>("role", given).unwrap_or_default();
    let known = role != pb::CheckRole::Guard;
    violations.check(known, "role", "GUARD", "BLOCKING or ADVISORY: that a probe fails is no FAIL by itself");
    role != pb::CheckRole::Advisory
}

fn access(
    violations: &mut Violations,
    field: &str,
    given: Option<&pb::ProbeAccess>,
    kind: &Given,
) -> Option<Access> {
    let given = given?;
    Some(violations.within(field, |violations| Access::read(violations, given, kind)))
}

fn kind_of(violations: &mut Violations, given: &Given) -> Option<Kind> {
    match given {
        Given::Http(http) => {
            violations.within("http", |violations| Journey::read(violations, http)).map(Kind::Http)
        }
        Given::Tcp(tcp) => violations
            .within("tcp", |violations| Address::port(violations, "address", &tcp.address))
            .map(Kind::Tcp),
        Given::Grpc(grpc) => violations.within("grpc", |violations| {
            violations.text("service", &grpc.service, 0..=MOST_SERVICE);
            let address = Address::port(violations, "address", &grpc.address)?;
            Some(Kind::Grpc(Grpc { address, service: grpc.service.clone(), tls: grpc.tls }))
        }),
    }
}
