//! Who asks for what.

use bellwether_clock::Timestamp;
use bellwether_journal::{Journal, RequestRecord};
use prost::Message;
use serde::Serialize;

use super::TransactError;
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

    /// What was answered to this call before; for those who commit without a [`Store`](crate::Store).
    ///
    /// # Errors
    /// [`TransactError::RequestIdReused`] for another payload, or when the journal cannot be read.
    pub async fn earlier<T: Message + Default, E>(
        &self,
        journal: &dyn Journal,
    ) -> Result<Option<T>, TransactError<E>> {
        let Some((scope, id)) = self.key() else { return Ok(None) };
        let Some(record) = journal.request(scope, id).await.map_err(TransactError::Read)? else {
            return Ok(None);
        };
        if record.digest != self.digest {
            return Err(TransactError::RequestIdReused(record.id));
        }
        let answer = T::decode(&*record.answer).map_err(|error| TransactError::Encoding(error.into()))?;
        Ok(Some(answer))
    }

    /// The record that makes a repetition get `answer`; for those who commit without a [`Store`](crate::Store). None
    /// when the call is not repeatable.
    pub fn record(&self, answer: &impl Message, time: Timestamp) -> Option<RequestRecord> {
        let (scope, id) = self.key()?;
        let (scope, id) = (scope.to_owned(), id.to_owned());
        let answer = answer.encode_to_vec().into();
        Some(RequestRecord { scope, id, digest: self.digest, answer, time })
    }

    /// Scope and id, when it is repeatable.
    pub(super) fn key(&self) -> Option<(&str, &str)> {
        Some((self.scope.as_deref()?, self.request_id.as_str()))
    }
}
