//! Why the executor refuses a call.

use bellwether_resource::{
    Violations,
    error::{INVALID_FIELDS, NAME_TAKEN, NOT_FOUND, PreconditionKind, Problem, Reason, STATE_CONFLICT},
};
use bellwether_rollout::{Refusal, Violation};
use tonic::Status;

bellwether_resource::reasons! {
    /// What the executor refuses calls for, beyond the reasons that all services share.
    pub EXECUTOR_REASONS;
    /// Another step is at work than the one that the caller saw.
    STEP_CHANGED = Aborted, "Read the rollout again and decide on the step that is at work now.";
    /// Too few instances of stable are ready for a new version to be compared with it.
    STABLE_UNHEALTHY = FailedPrecondition, "Bring stable back to health, or set allow_unhealthy_stable to release a fix.";
    /// A person has taken the target over.
    TAKEN_OVER = FailedPrecondition, "Hand the target back first: bellwether resolve TARGET hand-back.";
    /// What a person changes on the platform is contested.
    DRIFT_CONTESTED = FailedPrecondition, "Resolve the target first: bellwether resolve TARGET.";
    /// The target itself waits for a person.
    TARGET_NEEDS_OPERATOR = FailedPrecondition, "Resolve the target first: bellwether resolve TARGET.";
    /// The owner has not paused the rollout.
    NOT_PAUSED = FailedPrecondition, "See in the rollout's pauses who has paused it.";
    /// The step waits for nothing that could be skipped.
    NOTHING_TO_ADVANCE = FailedPrecondition, "Wait for the step, or abort the rollout.";
    /// The step cannot be left out.
    STEP_NEEDED = FailedPrecondition, "Retry the step, or take the rollout back.";
    /// The platform or router does not answer, and what it can do is not known yet.
    PLATFORM_UNAVAILABLE = Unavailable, retryable, "Start the platform's agent, and send the call again.";
    /// The platform or router cannot do what the rollout asks for.
    MISSING_CAPABILITY = FailedPrecondition, "Choose a strategy that the target's platform and router can carry out.";
}

/// A refusal of a command, by the core or by the shell around it.
#[derive(Debug)]
pub(crate) struct Denied(pub(crate) Problem);

// === impl Denied ===

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<Refusal> for Denied {
    fn from(refusal: Refusal) -> Self {
        Self(match refusal {
            Refusal::NotFound { what } => NOT_FOUND.because(format!("there is no {what}")),
            Refusal::Exists { what } => NAME_TAKEN.because(format!("{what} exists already")),
            Refusal::Invalid(fields) => invalid(&fields),
            Refusal::Precondition(violations) => precondition(&violations),
        })
    }
}

impl From<Denied> for Status {
    fn from(denied: Denied) -> Self {
        denied.0.into()
    }
}

fn invalid(fields: &[bellwether_rollout::FieldViolation]) -> Problem {
    let mut violations = Violations::new();
    for field in fields {
        let (given, allowed) = field.text.split_once("; allowed: ").unwrap_or(("what was sent", &field.text));
        violations.add(&field.field, given.trim_end_matches(" is given"), allowed);
    }
    violations.finish().err().unwrap_or_else(|| INVALID_FIELDS.because("the request is not valid"))
}

/// The reason is that of the first violation; all of them are in the details.
fn precondition(violations: &[Violation]) -> Problem {
    let first = violations.first();
    let reason = first.map_or(STATE_CONFLICT, |violation| reason(&violation.code));
    let text = first.map_or("the state does not allow it", |violation| violation.text.as_str());
    violations.iter().fold(reason.because(text), |problem, violation| {
        problem.precondition(PreconditionKind::State, violation.subject.clone(), violation.text.clone())
    })
}

fn reason(code: &str) -> Reason {
    EXECUTOR_REASONS.iter().find(|reason| reason.name == code).copied().unwrap_or(STATE_CONFLICT)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_resource::error::page_problems;

    use super::*;

    #[test]
    fn every_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        assert_eq!(page_problems(EXECUTOR_REASONS, &pages), Vec::<String>::new());
    }
}
