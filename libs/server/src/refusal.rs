//! The errors that serving itself answers with: a code, one `ErrorInfo`, and a remedy.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The domain of every `ErrorInfo` of Bellwether.
pub const ERROR_DOMAIN: &str = "bellwether.dev";

/// A call that was turned away before, or instead of, its handler.
#[derive(Clone, Debug)]
pub struct Refusal {
    code: Code,
    reason: &'static str,
    message: String,
    remedy: String,
    retry_after: Option<Duration>,
}

// === impl Refusal ===

impl Refusal {
    /// `reason` is UPPER_SNAKE and has a page in `docs/errors/`.
    pub fn new(code: Code, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), remedy: String::new(), retry_after: None }
    }

    /// What the caller can do about it, in one sentence.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// The same call may succeed after this time.
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    /// Its reason.
    pub fn reason(&self) -> &'static str {
        self.reason
    }

    /// This refusal's details added to those that are there already.
    fn details(&self, mut details: ErrorDetails) -> ErrorDetails {
        let mut metadata = HashMap::from([("retryable".to_owned(), self.retry_after.is_some().to_string())]);
        if !self.remedy.is_empty() {
            metadata.insert("remedy".to_owned(), self.remedy.clone());
        }
        details.set_error_info(self.reason, ERROR_DOMAIN, metadata);
        if self.retry_after.is_some() {
            details.set_retry_info(self.retry_after);
        }
        details
    }

    /// As a status that keeps `details`.
    pub(crate) fn with_details(&self, details: ErrorDetails) -> Status {
        Status::with_error_details(self.code, self.message.clone(), self.details(details))
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        refusal.with_details(ErrorDetails::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_one_reason_and_says_when_to_retry() {
        let refusal = Refusal::new(Code::Unavailable, "DRAINING", "the server is stopping")
            .remedy("try again")
            .retry_after(Duration::from_secs(1));
        let status = Status::from(refusal);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("DRAINING", ERROR_DOMAIN));
        assert_eq!(info.metadata["remedy"], "try again");
        assert_eq!(info.metadata["retryable"], "true");
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_secs(1)));
    }
}
