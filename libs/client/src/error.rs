//! A refusal, read from its status.

use std::{collections::BTreeMap, fmt, ops::Deref, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// Why a call failed: [`Problem`] behind a pointer, so that results stay small.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError(Box<Problem>);

/// What the server said.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The status code.
    pub code: Code,
    /// UPPER_SNAKE; empty where the server gave none, `UNREACHABLE` where it was not reached.
    pub reason: String,
    /// One sentence.
    pub message: String,
    /// What the caller can do; may be empty.
    pub remedy: String,
    /// Values for programs.
    pub values: BTreeMap<String, String>,
    /// Every field that is not as it must be.
    pub fields: Vec<FieldViolation>,
    /// Everything that must hold first and does not.
    pub preconditions: Vec<Violation>,
    /// When the same call may be made again.
    pub retry_after: Option<Duration>,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}

/// A field that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Its path, e.g. `steps[2].percent`.
    pub path: String,
    /// What was given, and what is allowed.
    pub description: String,
}

/// What must hold first and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// GATE, APPROVAL, WINDOW, SOAK, DEPENDENCY, HOLD or STATE.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What is expected, what is, and what would open it.
    pub description: String,
}

/// The reason of a server that was not reached.
const UNREACHABLE: &str = "UNREACHABLE";

// === impl ApiError ===

impl ApiError {
    fn read(status: &Status) -> Problem {
        let mut details = status.get_error_details();
        let mut values: BTreeMap<_, _> =
            details.error_info().map(|info| info.metadata.clone()).unwrap_or_default().into_iter().collect();
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        let transient =
            matches!(status.code(), Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded);
        Problem {
            code: status.code(),
            reason,
            message: status.message().to_owned(),
            remedy: values.remove("remedy").unwrap_or_default(),
            retryable: values.remove("retryable").map_or(transient, |value| value == "true"),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
            fields: fields(&mut details),
            preconditions: preconditions(&mut details),
            values,
        }
    }
}

impl From<Status> for ApiError {
    fn from(status: Status) -> Self {
        let mut problem = Self::read(&status);
        if problem.code == Code::Unavailable && problem.reason.is_empty() {
            UNREACHABLE.clone_into(&mut problem.reason);
            "check the address and that the server runs (`bellwether up`)".clone_into(&mut problem.remedy);
        }
        Self(Box::new(problem))
    }
}

impl Deref for ApiError {
    type Target = Problem;

    fn deref(&self) -> &Problem {
        &self.0
    }
}

impl fmt::Display for ApiError {
    /// The message with its reason, a line for each violation, and the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = if self.message.is_empty() { self.code.description() } else { &self.message };
        f.write_str(message)?;
        if !self.reason.is_empty() {
            write!(f, " ({})", self.reason)?;
        }
        for FieldViolation { path, description } in &self.fields {
            write!(f, "\n  {path}: {description}")?;
        }
        for Violation { kind, subject, description } in &self.preconditions {
            write!(f, "\n  {kind} {subject}: {description}")?;
        }
        if !self.remedy.is_empty() {
            write!(f, "\n{}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for ApiError {}

fn fields(details: &mut ErrorDetails) -> Vec<FieldViolation> {
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations
        .into_iter()
        .map(|violation| FieldViolation { path: violation.field, description: violation.description })
        .collect()
}

fn preconditions(details: &mut ErrorDetails) -> Vec<Violation> {
    let violations =
        details.precondition_failure().map(|failed| failed.violations.clone()).unwrap_or_default();
    violations
        .into_iter()
        .map(|violation| Violation {
            kind: violation.r#type,
            subject: violation.subject,
            description: violation.description,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn everything_that_was_said_is_read_and_shown() {
        let mut details = ErrorDetails::new();
        let values = [("remedy", "Approve it."), ("retryable", "false"), ("state", "WAITING")];
        let values: HashMap<String, String> = values.map(|(k, v)| (k.into(), v.into())).into();
        details.set_error_info("STATE_CONFLICT", "bellwether.dev", values);
        details.add_bad_request_violation("steps[2].percent", "is 130, must be 0 to 100");
        details.add_precondition_failure_violation("APPROVAL", "approvals/qa", "0 of 1 given");
        let status = Status::with_error_details(Code::FailedPrecondition, "not now", details);
        let error = ApiError::from(status);
        assert_eq!(
            (error.code, error.reason.as_str(), error.retryable),
            (Code::FailedPrecondition, "STATE_CONFLICT", false)
        );
        assert_eq!(error.values, BTreeMap::from([("state".into(), "WAITING".into())]));
        assert_eq!(
            error.to_string(),
            "not now (STATE_CONFLICT)\n  steps[2].percent: is 130, must be 0 to 100\n  APPROVAL approvals/qa: 0 of 1 given\nApprove it."
        );
    }

    #[test]
    fn who_is_not_reached_has_a_reason_too() {
        let error = ApiError::from(Status::unavailable("connection refused"));
        assert_eq!((error.reason.as_str(), error.retryable), ("UNREACHABLE", true));
        assert!(error.to_string().contains("bellwether up"));
    }
}
