//! Calls with effects outside of the target: HTTP by the outgoing filter, commands from an allow-list.
//!
//! # Guarantees
//! At least once, with the same `Idempotency-Key` on every attempt. The intent is in the journal before a call begins and
//! its outcome after it has ended; a call whose outcome nobody knows is reported as unknown, and the hook says what that
//! means.

mod commands;
mod http;

use std::time::Duration;

use bellwether_egress::{AddressPolicy, BuildError, Client, Limits};
use bellwether_rollout::{Call, Outcome};
use serde::Serialize;

pub use commands::{AllowList, AllowedCommand, RunAs};

/// Bytes of an answer that are kept.
const OUTPUT: usize = 4 * 1024;

/// Makes the calls. Cheap to clone.
#[derive(Clone)]
pub struct Hooks {
    http: Client,
    commands: AllowList,
}

/// What a call tells the other side about itself: the body of an HTTP hook, the environment of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// `rollouts/<id>`.
    pub rollout: String,
    /// `targets/<application>@<environment>`.
    pub target: String,
    /// The hook's name.
    pub hook: String,
    /// The version that is rolled out.
    pub version: String,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Whether it undoes an earlier call.
    pub undo: bool,
    /// The same on every attempt.
    pub idempotency_key: String,
}

// === impl Hooks ===

impl Hooks {
    /// Calls public addresses and those that `policy` allows, and the commands of the list.
    ///
    /// # Errors
    /// The system's root certificates cannot be read.
    pub fn new(policy: AddressPolicy, commands: AllowList) -> Result<Self, BuildError> {
        let limits = Limits { answer_bytes: OUTPUT, ..Limits::default() };
        Ok(Self { http: Client::new(policy, limits)?, commands })
    }

    /// Makes one call and says how it ended. Dropping the future gives the call up; a command is killed then.
    pub async fn run(&self, call: &Call, timeout: Duration, subject: &Subject) -> Outcome {
        match call {
            Call::Http { url } => http::run(&self.http, url, timeout, subject).await,
            Call::Command { argv } => commands::run(&self.commands, argv, timeout, subject).await,
            Call::Grpc { address } => {
                Outcome::Failed { error: format!("{address}: gRPC hooks are not part of the contract") }
            }
        }
    }
}

/// What an answer says, as far as it is kept.
fn text(bytes: &[u8]) -> String {
    let kept = bytes.get(..OUTPUT).unwrap_or(bytes);
    String::from_utf8_lossy(kept).trim().to_owned()
}
