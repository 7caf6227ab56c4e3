//! Who asks for what.

use serde::Serialize;

use crate::{
    digest,
    error::{INVALID_FIELDS, Problem},
};

/// What makes a repetition of a call recognisable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Principal and method; none for a change that nobody asked for.
    pub(super) scope: Option<String>,
    /// The client's id of the request; empty: not repeatable.
    pub(super) request_id: String,
    /// Of the payload.
    pub(super) digest: [u8; 32],
}

// === impl Call ===

impl Call {
    /// A call by `principal` of `method` (`bellwether.executor.v1.ExecutorService/StartRollout`). `payload` is the
    /// request with its request id; an empty `request_id` means that the call is not deduplicated.
    ///
    /// # Errors
    /// `INVALID_FIELDS` when the payload has no JSON form, e.g. for a time out of range.
    pub fn new(
        principal: &str,
        method: &str,
        request_id: &str,
        payload: &impl Serialize,
    ) -> Result<Self, Problem> {
        if request_id.is_empty() {
            return Ok(Self::internal());
        }
        let digest = digest::of_json(payload)
            .map_err(|error| INVALID_FIELDS.because(format!("the request cannot be read: {error}")))?;
        Ok(Self { scope: Some(format!("{principal} {method}")), request_id: request_id.to_owned(), digest })
    }

    /// A change of our own: a verdict, a timer, an observation.
    pub fn internal() -> Self {
        Self { scope: None, request_id: String::new(), digest: [0; 32] }
    }

    /// Scope and id, when it is repeatable.
    pub(super) fn key(&self) -> Option<(&str, &str)> {
        Some((self.scope.as_deref()?, self.request_id.as_str()))
    }
}
