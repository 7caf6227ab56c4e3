//! Waiting for a condition, with a deadline. Nothing here waits for a time.

use std::{future::Future, time::Duration};

use anyhow::bail;

/// Generous: a condition that holds at all holds long before.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Asks until there is an answer.
///
/// # Errors
/// When there is none within [`DEADLINE`]; the message names `what`.
pub async fn until<T, F>(what: &str, ask: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Option<T>>,
{
    until_within(DEADLINE, what, ask).await
}

/// As [`until`], with another deadline.
///
/// # Errors
/// As [`until`].
pub async fn until_within<T, F>(
    deadline: Duration,
    what: &str,
    mut ask: impl FnMut() -> F,
) -> anyhow::Result<T>
where
    F: Future<Output = Option<T>>,
{
    let asking = async {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        loop {
            every.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    match tokio::time::timeout(deadline, asking).await {
        Ok(answer) => Ok(answer),
        Err(_) => bail!("{what}: not within {deadline:?}"),
    }
}
