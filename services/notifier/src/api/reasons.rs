//! What the notifier refuses calls for.

use bellwether_resource::{
    TransactError,
    error::{ETAG_MISMATCH, NOT_FOUND, PreconditionKind, Problem, STATE_CONFLICT, STORAGE_FAILED},
};
use tonic::Status;

use crate::outbox::OutboxError;

bellwether_resource::reasons! {
    /// What the notifier refuses calls for, beside what every service does.
    pub REASONS;
    /// The receiver answered 410 Gone and is not sent to any more.
    RECEIVER_DISABLED = FailedPrecondition, "Mend the receiver, then apply the routing again: that enables it.";
}

impl From<OutboxError> for Status {
    fn from(error: OutboxError) -> Self {
        let text = error.to_string();
        match error {
            OutboxError::Call(error) => error.into(),
            OutboxError::Commit(error) => TransactError::<Self>::Commit(error).into(),
            OutboxError::Read(error) => TransactError::<Self>::Read(error).into(),
            OutboxError::NoDelivery { name } => NOT_FOUND.because(text).with("name", name).into(),
            OutboxError::NoReceiver { name } => NOT_FOUND.because(text).with("receiver", name).into(),
            OutboxError::Disabled { name } => RECEIVER_DISABLED.because(text).with("receiver", name).into(),
            OutboxError::NotReplayable { state } => not_replayable(text, state).into(),
            OutboxError::Etag { actual } => ETAG_MISMATCH.because(text).with("actual", actual).into(),
            OutboxError::Load(_) | OutboxError::Decode { .. } => {
                tracing::error!(error = &error as &dyn std::error::Error, "the outbox failed");
                STORAGE_FAILED.because(text).into()
            }
        }
    }
}

fn not_replayable(text: String, state: &str) -> Problem {
    let problem = STATE_CONFLICT.because(text.clone()).with("state", state);
    problem.precondition(PreconditionKind::State, "delivery", text)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bellwether_resource::error::page_problems;

    use super::*;

    #[test]
    fn every_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        assert_eq!(page_problems(REASONS, &pages), Vec::<String>::new());
    }
}
