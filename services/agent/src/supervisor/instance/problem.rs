//! What stands in the way of an instance, or of a target.

use bellwether_clock::Timestamp;
use uuid::Uuid;

/// Why an instance does not run as it should, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// The fleet that it concerns; empty: the target.
    pub fleet: String,
    /// The instance that it concerns; none: the fleet or the target.
    pub instance: Option<Uuid>,
    /// For people.
    pub text: String,
    /// Since when this supervisor sees it; none: it is not told yet.
    pub since: Option<Timestamp>,
}

/// Kinds of problems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
        Self { code, fleet: fleet.to_owned(), instance: None, text, since: None }
    }

    /// As one of this instance.
    #[must_use]
    pub fn of(self, instance: Uuid) -> Self {
        Self { instance: Some(instance), ..self }
    }

    /// What makes two of them the same one, seen twice.
    pub fn key(&self) -> (ProblemCode, String, Option<Uuid>) {
        (self.code, self.fleet.clone(), self.instance)
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

    /// What to do about it, for people.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::PortInUse => "End the other process, or configure another listening address.",
            Self::NoPort => {
                "Give the agent a larger range of ports with --instance-ports, or run fewer instances."
            }
            Self::ArtifactMissing => {
                "Put the file back where the release says it is, or upload the artifact again."
            }
            Self::ArtifactDigest => {
                "Put the approved bytes back, or release the new ones as a version of their own."
            }
            Self::StartFailed => "Correct the command, or make the file one that this host can run.",
            Self::Limits => {
                "Raise the limit or remove it; where it cannot be set, give the agent control groups that it may write."
            }
            Self::CrashLoop => "Read the instance's last lines; a newer version or a rollback replaces it.",
            Self::GatewayDown => {
                "Nothing for a while: the supervisor starts the gateway anew. Then read the agent's log."
            }
            Self::RouteRefused => "Correct what the message names.",
            Self::Disk => {
                "Free space on the disk of the agent's data directory, and check that it can be written."
            }
        }
    }
}
