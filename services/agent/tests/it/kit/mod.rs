//! What the tests share.

mod agent;
mod client;
mod gateway;
mod instance;

use std::{future::Future, time::Duration};

pub use agent::{Agent, TARGET, free_address, ready, send};
pub use client::{Client, Load, read};
pub use gateway::Gateway;
pub use instance::{Instance, fleet};

/// Generous: a busy machine must not fail a test.
pub const SOON: Duration = Duration::from_secs(20);

/// Waits until `holds` is true.
///
/// # Panics
/// It does not become true.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let wait = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(SOON, wait).await.is_ok(), "waited in vain for: {what}");
}
