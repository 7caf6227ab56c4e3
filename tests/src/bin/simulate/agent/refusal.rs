//! What the fake refuses, as the agent says it.

use bellwether_agent::AGENT_REASONS;
use bellwether_platform::{Error, Fence};
use bellwether_resource::error::{INTERNAL, Problem};
use tonic::Status;

/// A refusal for what the platform says.
pub(crate) fn of(error: Error) -> Status {
    let text = error.to_string();
    match error {
        Error::Fenced { held, given } if held.journal_id != given.journal_id => {
            fenced("TARGET_FOREIGN", held, text)
        }
        Error::Fenced { held, .. } => fenced("FENCE_STALE", held, text),
        Error::TakenOver { reason } => because("TAKEN_OVER", text).with("taken_over_reason", reason).into(),
        Error::Unavailable { .. } => Status::unavailable(text),
        Error::Rejected { .. } | Error::Unsupported { .. } => because("ROUTE_REFUSED", text).into(),
    }
}

/// What cannot be read.
pub(crate) fn malformed(what: &str) -> Status {
    Status::invalid_argument(format!("{what} is malformed"))
}

fn fenced(reason: &str, held: Fence, text: String) -> Status {
    let problem = because(reason, text).with("journal_id", held.journal_id);
    problem.with("epoch", held.epoch).with("generation", held.generation).into()
}

fn because(reason: &str, text: String) -> Problem {
    let known = AGENT_REASONS.iter().find(|it| it.name == reason).copied();
    known.unwrap_or(INTERNAL).because(text)
}
