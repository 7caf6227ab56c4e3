//! Why a command is refused. A refused command changes nothing.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a command is refused, with everything that stands against it.
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum Refusal {
    /// There is no such thing.
    #[error("there is no {what}")]
    NotFound {
        /// What was asked for.
        what: String,
    },
    /// It exists already.
    #[error("{what} exists already")]
    Exists {
        /// What.
        what: String,
    },
    /// The request itself is wrong.
    #[error("{} of the request's fields are not valid", .0.len())]
    Invalid(Vec<FieldViolation>),
    /// The request is right, the state is not.
    #[error("{}", .0.first().map_or("refused", |it| it.text.as_str()))]
    Precondition(Vec<Violation>),
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldViolation {
    /// The path in the request (`strategy.steps[2].percent`).
    pub field: String,
    /// What is wrong and what is allowed.
    pub text: String,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// UPPER_SNAKE, documented (`STABLE_UNHEALTHY`).
    pub code: String,
    /// What it is about (`rollouts/…`).
    pub subject: String,
    /// One sentence with the values.
    pub text: String,
}

// === impl Refusal ===

impl Refusal {
    /// One violated condition.
    pub fn precondition(code: &str, subject: impl ToString, text: impl Into<String>) -> Self {
        Self::Precondition(vec![Violation::new(code, subject, text)])
    }

    /// The codes of the violations, for tests and metrics.
    pub fn codes(&self) -> Vec<&str> {
        match self {
            Self::NotFound { .. } => vec!["NOT_FOUND"],
            Self::Exists { .. } => vec!["ALREADY_EXISTS"],
            Self::Invalid(_) => vec!["INVALID_ARGUMENT"],
            Self::Precondition(all) => all.iter().map(|it| it.code.as_str()).collect(),
        }
    }
}

// === impl Violation ===

impl Violation {
    /// A condition that does not hold.
    pub fn new(code: &str, subject: impl ToString, text: impl Into<String>) -> Self {
        Self { code: code.into(), subject: subject.to_string(), text: text.into() }
    }
}

// === impl FieldViolation ===

impl FieldViolation {
    /// A field that is wrong.
    pub fn new(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self { field: field.into(), text: text.into() }
    }
}
