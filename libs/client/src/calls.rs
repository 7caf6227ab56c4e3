//! Unary calls that are made again when that is safe and may help.

use std::time::Duration;

use bellwether_clock::Env;
use tonic::{Response, Status};

use crate::{ApiError, Backoff};

/// Makes unary calls, and makes them again.
///
/// # Guarantees
/// A call is repeated only when it reads, or carries a `request_id` under which the server answers it once. Repeated
/// what the server calls `retryable`, and UNAVAILABLE, RESOURCE_EXHAUSTED and DEADLINE_EXCEEDED where it says nothing; the
/// pause is at least what it asks for. All attempts together take at most `patience` plus one call.
#[derive(Clone, Debug)]
pub struct Calls {
    env: Env,
    patience: Duration,
}

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);

// === impl Calls ===

impl Calls {
    /// Gives up after 10 s.
    pub fn new(env: Env) -> Self {
        Self { env, patience: PATIENCE }
    }

    /// Gives up after this time.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// A call that changes nothing.
    ///
    /// # Errors
    /// The last refusal.
    pub async fn read<T>(
        &self,
        call: impl AsyncFnMut() -> Result<Response<T>, Status>,
    ) -> Result<T, ApiError> {
        self.repeat(self.patience, call).await
    }

    /// A call that changes something; made once where `request_id` is empty.
    ///
    /// # Errors
    /// The last refusal.
    pub async fn change<T>(
        &self,
        request_id: &str,
        call: impl AsyncFnMut() -> Result<Response<T>, Status>,
    ) -> Result<T, ApiError> {
        let patience = if request_id.is_empty() { Duration::ZERO } else { self.patience };
        self.repeat(patience, call).await
    }

    async fn repeat<T>(
        &self,
        patience: Duration,
        mut call: impl AsyncFnMut() -> Result<Response<T>, Status>,
    ) -> Result<T, ApiError> {
        let start = self.env.now();
        let mut backoff = Backoff::new(self.env.clone(), FIRST, LONGEST);
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer.into_inner()),
                Err(status) => ApiError::from(status),
            };
            let pause = backoff.pause(error.retry_after);
            if !error.retryable || self.env.since(start) + pause > patience {
                return Err(error);
            }
            tracing::debug!(?pause, reason = error.reason, "calling again");
            tokio::time::sleep(pause).await;
        }
    }
}
