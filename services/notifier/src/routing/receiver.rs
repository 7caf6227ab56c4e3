//! A destination.

use std::{fmt, path::PathBuf, time::Duration};

use reqwest::Url;

/// A destination.
#[derive(Clone, Debug, PartialEq)]
pub struct Receiver {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub channel: Channel,
    /// How fast it may be sent to.
    pub rate: Rate,
}

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq)]
pub enum Channel {
    /// The notifier's own log.
    Log,
    /// An HTTP endpoint.
    Webhook(Webhook),
}

/// An HTTP endpoint.
#[derive(Clone, PartialEq)]
pub struct Webhook {
    /// Where.
    pub url: Url,
    /// The keys to sign with.
    pub secrets: Vec<SecretRef>,
    /// Time for one attempt.
    pub timeout: Duration,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretRef {
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(PathBuf),
}

/// A token bucket's measures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Tokens per second.
    pub per_second: f64,
    /// Tokens that the bucket holds.
    pub burst: f64,
}

/// Time for one attempt, unless the receiver says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

// === impl Receiver ===

impl Receiver {
    pub(super) fn log(name: &str) -> Self {
        Self { name: name.to_owned(), channel: Channel::Log, rate: Rate::default() }
    }
}

// === impl Webhook ===

impl fmt::Debug for Webhook {
    /// Without path and query: they often are the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("host", &self.url.host_str())
            .field("secrets", &self.secrets)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

// === impl Rate ===

impl Default for Rate {
    fn default() -> Self {
        Self { per_second: 10.0, burst: 20.0 }
    }
}
