//! How a journal is opened.

use std::time::Duration;

use bellwether_clock::{Env, Timestamp};

use crate::Faults;

/// How to open a journal.
#[derive(Clone, Debug)]
pub struct Options {
    /// Time and identifiers.
    pub env: Env,
    /// Wait for the owner to go away instead of refusing to open.
    pub standby: bool,
    /// The owner's lease.
    pub lease: Lease,
    /// What `trim` may remove.
    pub retention: Retention,
    /// Bytes kept in reserve beside the journal, given up when the disk is full so that urgent commits still go
    /// through; 0 for none.
    pub ballast_bytes: u64,
    /// Crashes to provoke, for tests.
    pub faults: Faults,
}

/// How long ownership lasts without a sign of life. It only matters for an owner that is alive but stopped: the
/// end of a process is noticed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Without a renewal for this long a standby takes over.
    pub length: Duration,
    /// The owner renews this often.
    pub renew: Duration,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Events of ended streams below their snapshot.
    pub events: Duration,
    /// Answers to requests.
    pub requests: Duration,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const BALLAST: u64 = 32 * 1024 * 1024;

// === impl Options ===

impl Options {
    /// The defaults: no standby, lease 5 s, retention 30 and 7 days, 32 MiB of ballast, faults as the
    /// environment says ([`Faults::from_env`]).
    pub fn new(env: Env) -> Self {
        Self {
            env,
            standby: false,
            lease: Lease::default(),
            retention: Retention::default(),
            ballast_bytes: BALLAST,
            faults: Faults::from_env(),
        }
    }
}

// === impl Lease ===

impl Default for Lease {
    /// 5 s, renewed every 1.5 s.
    fn default() -> Self {
        Self { length: Duration::from_secs(5), renew: Duration::from_millis(1500) }
    }
}

// === impl Retention ===

impl Default for Retention {
    /// Events 30 days, requests 7 days.
    fn default() -> Self {
        Self { events: 30 * DAY, requests: 7 * DAY }
    }
}

/// The moment that lies `age` back.
pub(crate) fn before(env: &Env, age: Duration) -> Timestamp {
    env.now().checked_sub(age).unwrap_or(Timestamp::MIN)
}
