//! What a journal gives back.

use std::{fmt, sync::Arc};

use bellwether_clock::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Identifies one journal for ever; drawn when it is created and kept through every takeover and backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JournalId(pub Uuid);

/// The tenure of one owner: raised by one at every takeover. A platform that obeyed `(journal, epoch)` refuses
/// anything lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch {
    /// Which part of the journal's streams it covers; 0 until a journal is shared by several owners.
    pub shard: u32,
    /// Starts at 1 with the first owner.
    pub number: u64,
}

/// One committed event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Place in the feed: dense, from 1, in commit order.
    pub position: u64,
    /// The stream it belongs to.
    pub stream: Arc<str>,
    /// The stream's version once this event is in it: from 1.
    pub version: u64,
    /// What kind of event the payload is, for people and filters.
    pub kind: Arc<str>,
    /// The event; opaque here, JSON by convention.
    pub payload: Bytes,
    /// The committer's clock.
    pub time: Timestamp,
    /// Number of the epoch it was committed in.
    pub epoch: u64,
}

/// The state of a stream at a version, so that a replay need not begin at its first event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: Arc<str>,
    /// The version whose state it is: replay goes on after it.
    pub version: u64,
    /// The state; opaque here.
    pub payload: Bytes,
}

/// A stream as listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its name.
    pub stream: Arc<str>,
    /// The number of events ever committed to it.
    pub version: u64,
    /// Events up to this version are gone (retention); 0 when none are.
    pub trimmed: u64,
    /// Whether everything in it had come to an end at its last commit.
    pub ended: bool,
}

/// The answer once given to a request, kept so that a repetition gets the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// Who asked for what: principal and method.
    pub scope: String,
    /// The client's id of the request, unique within the scope.
    pub id: String,
    /// SHA-256 of the request's payload: another payload under the same id is a mistake of the client.
    pub digest: [u8; 32],
    /// The answer; opaque here.
    pub answer: Bytes,
    /// When it was accepted; forgotten [`Retention::requests`](crate::Retention) later.
    pub time: Timestamp,
}

/// What [`Journal::trim`](crate::Journal::trim) removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trimmed {
    /// Number of events.
    pub events: u64,
    /// Number of request records.
    pub requests: u64,
}

/// How the journal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Commits are accepted.
    Serving,
    /// The disk is full: only urgent commits are accepted, until space returns.
    DiskFull,
    /// Another process has taken the journal over: nothing is accepted any more. Final.
    Fenced,
    /// A write failed in a way that leaves its outcome open: nothing is accepted any more. Final; a restart
    /// finds out.
    Failed,
    /// It was closed. Final.
    Closed,
}

// === impl JournalId ===

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

// === impl Epoch ===

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.shard, self.number)
    }
}

// === impl Health ===

impl Health {
    /// Whether the journal will never accept a commit again.
    pub fn is_final(self) -> bool {
        match self {
            Self::Serving | Self::DiskFull => false,
            Self::Fenced | Self::Failed | Self::Closed => true,
        }
    }
}
