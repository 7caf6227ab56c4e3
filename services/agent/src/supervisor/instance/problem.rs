//! What stands in the way of an instance, or of a target.

/// Why an instance does not run as it should, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// The fleet that it concerns; empty: the target.
    pub fleet: String,
    /// For people.
    pub text: String,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemCode {
    /// A listening address is taken by another process.
    PortInUse,
    /// No port is left for instances.
    NoPort,
    /// What is to be run is not there.
    ArtifactMissing,
    /// What is there is not what was approved.
    ArtifactDigest,
    /// The process cannot be started.
    StartFailed,
    /// A limit cannot be set.
    Limits,
    /// An instance ends again and again.
    CrashLoop,
    /// The gateway does not answer.
    GatewayDown,
    /// The gateway refuses the route.
    RouteRefused,
    /// The disk does not take what must be written down.
    Disk,
}

// === impl Problem ===

impl Problem {
    /// Of this kind.
    pub fn new(code: ProblemCode, fleet: &str, text: String) -> Self {
        Self { code, fleet: fleet.to_owned(), text }
    }
}

// === impl ProblemCode ===

impl ProblemCode {
    /// As it is told: UPPER_SNAKE.
    pub fn name(self) -> &'static str {
        match self {
            Self::PortInUse => "PORT_IN_USE",
            Self::NoPort => "NO_PORT",
            Self::ArtifactMissing => "ARTIFACT_MISSING",
            Self::ArtifactDigest => "ARTIFACT_DIGEST",
            Self::StartFailed => "START_FAILED",
            Self::Limits => "LIMITS",
            Self::CrashLoop => "CRASH_LOOP",
            Self::GatewayDown => "GATEWAY_DOWN",
            Self::RouteRefused => "ROUTE_REFUSED",
            Self::Disk => "DISK",
        }
    }
}
