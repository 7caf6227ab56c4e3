//! One refusal, until it becomes a status.

use std::{collections::BTreeMap, fmt, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{DOMAIN, Reason};
use crate::violations::FieldViolation;

/// Details travel in a header, and a header list may hold 16 KiB: what does not fit is counted instead.
const MOST_BYTES: usize = 8 * 1024;

/// When there is nothing better to say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why a call is refused, with everything the caller needs to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The reason.
    pub reason: Reason,
    /// Boxed: results carry it, and most are good.
    body: Box<Body>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Body {
    message: String,
    values: BTreeMap<String, String>,
    fields: Vec<FieldViolation>,
    preconditions: Vec<Precondition>,
    retry_after: Option<Duration>,
}

/// What must hold first and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Precondition {
    /// Its kind.
    pub kind: PreconditionKind,
    /// What it is about, e.g. `gates/payments-e2e`.
    pub subject: String,
    /// What is expected, what is, and what would open it.
    pub description: String,
}

/// The kinds of preconditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PreconditionKind {
    /// A gate is not open.
    Gate,
    /// An approval is missing.
    Approval,
    /// No window is open.
    Window,
    /// It has not run long enough in the environment before.
    Soak,
    /// Something it depends on is not there.
    Dependency,
    /// Somebody holds it.
    Hold,
    /// It is not in the right state.
    State,
}

// === impl Problem ===

impl Problem {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, body: Box::new(Body { message: message.into(), ..Body::default() }) }
    }

    /// Adds a value for programs. `retryable` and `remedy` are set by themselves, but may be overridden.
    pub fn with(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        self.body.values.insert(name.into(), value.to_string());
        self
    }

    /// Says what the caller can do better than the reason does.
    pub fn remedy(self, remedy: impl fmt::Display) -> Self {
        self.with("remedy", remedy)
    }

    /// Adds something that must hold first; all of them belong in one refusal.
    pub fn precondition(
        mut self,
        kind: PreconditionKind,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        self.body.preconditions.push(Precondition {
            kind,
            subject: subject.into(),
            description: description.into(),
        });
        self
    }

    /// Says when to try again; 1 s where the code demands one and none is given.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.body.retry_after = Some(delay);
        self
    }

    pub(crate) fn fields(mut self, fields: Vec<FieldViolation>) -> Self {
        self.body.fields = fields;
        self
    }

    fn details(&self) -> ErrorDetails {
        let mut details = ErrorDetails::new();
        let mut budget = MOST_BYTES;
        let mut omitted = 0;
        for field in &self.body.fields {
            let description = field.description();
            if spend(&mut budget, &[&field.path, &description]) {
                details.add_bad_request_violation(field.path.clone(), description);
            } else {
                omitted += 1;
            }
        }
        for Precondition { kind, subject, description } in &self.body.preconditions {
            if spend(&mut budget, &[subject, description]) {
                details.add_precondition_failure_violation(kind.name(), subject.clone(), description.clone());
            } else {
                omitted += 1;
            }
        }
        if let Some(delay) = self.retry_delay() {
            details.set_retry_info(Some(delay));
        }
        let mut values = BTreeMap::from([
            ("retryable".to_owned(), self.reason.retryable.to_string()),
            ("remedy".to_owned(), self.reason.remedy.to_owned()),
        ]);
        values.extend(self.body.values.clone());
        if omitted > 0 {
            values.insert("omitted_violations".to_owned(), omitted.to_string());
        }
        details.set_error_info(
            self.reason.name,
            DOMAIN,
            values.into_iter().collect::<std::collections::HashMap<_, _>>(),
        );
        details
    }

    fn retry_delay(&self) -> Option<Duration> {
        let demanded = matches!(self.reason.code, Code::Unavailable | Code::ResourceExhausted);
        self.body.retry_after.or(demanded.then_some(RETRY_AFTER))
    }
}

/// Whether `texts`, and what wraps them, still fit.
fn spend(budget: &mut usize, texts: &[&str]) -> bool {
    const WRAPPING: usize = 16;
    let cost = WRAPPING + texts.iter().map(|text| text.len()).sum::<usize>();
    let fits = cost <= *budget;
    *budget -= if fits { cost } else { 0 };
    fits
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.body.message, self.reason.name)
    }
}

impl std::error::Error for Problem {}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        Status::with_error_details(problem.reason.code, problem.body.message.clone(), problem.details())
    }
}

// === impl PreconditionKind ===

impl PreconditionKind {
    /// As it travels.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gate => "GATE",
            Self::Approval => "APPROVAL",
            Self::Window => "WINDOW",
            Self::Soak => "SOAK",
            Self::Dependency => "DEPENDENCY",
            Self::Hold => "HOLD",
            Self::State => "STATE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{DISK_FULL, STATE_CONFLICT};

    #[test]
    fn carries_one_reason_with_values_and_every_precondition() {
        let problem = STATE_CONFLICT
            .because("shop@production cannot be started")
            .with("state", "RUNNING")
            .precondition(PreconditionKind::Hold, "targets/shop@production", "held by alice")
            .precondition(PreconditionKind::State, "rollouts/1", "is RUNNING");
        let status = Status::from(problem);
        assert_eq!(status.code(), Code::FailedPrecondition);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("STATE_CONFLICT", DOMAIN));
        assert_eq!(
            (info.metadata["state"].as_str(), info.metadata["retryable"].as_str()),
            ("RUNNING", "false")
        );
        assert!(!info.metadata["remedy"].is_empty());
        let found = &details.precondition_failure().unwrap().violations;
        assert_eq!(found.iter().map(|one| one.r#type.as_str()).collect::<Vec<_>>(), ["HOLD", "STATE"]);
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn says_when_to_retry_where_the_code_demands_it() {
        let details = Status::from(DISK_FULL.because("no space")).get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(RETRY_AFTER));
        assert_eq!(details.error_info().unwrap().metadata["retryable"], "true");
    }

    #[test]
    fn counts_what_does_not_fit_a_header() {
        let problem = (0..1000).fold(STATE_CONFLICT.because("much"), |problem, number| {
            problem.precondition(PreconditionKind::Gate, format!("gates/{number}"), "closed".repeat(10))
        });
        let status = Status::from(problem);
        assert!(status.details().len() < MOST_BYTES + 2048, "{}", status.details().len());
        let details = status.get_error_details();
        let shown = details.precondition_failure().unwrap().violations.len();
        let omitted: usize = details.error_info().unwrap().metadata["omitted_violations"].parse().unwrap();
        assert_eq!(shown + omitted, 1000);
    }
}
