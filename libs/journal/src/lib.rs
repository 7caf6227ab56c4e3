//! The event log every service keeps: commit with version and epoch, keyed table, change feed.
//!
//! # Model
//! A journal holds *streams* of events. [`Journal::commit`] appends to one or more streams, writes to a small
//! keyed table and records the answer of a request, all in one transaction. Each stream has a version (its
//! number of events ever committed); a commit names the version it was decided on and is refused when the
//! stream has moved on. Every event also has a *position* in the journal-wide feed: positions are dense and in
//! commit order, so a reader that has seen position `n` has seen everything before it.
//!
//! # Guarantees
//! - What [`Journal::commit`] has answered with `Ok` survives a crash of the process and of the machine.
//! - A commit that was refused has changed nothing. After [`CommitError::Unknown`] the outcome is open until the
//!   journal is opened anew.
//! - One process owns a journal. Taking it over raises its [`Epoch`], and the epoch is checked in the transaction
//!   of every commit: a former owner that wakes up late can commit nothing ([`CommitError::Fenced`]).
//! - Readers see committed events only.
//!
//! # Implementations
//! [`SqliteJournal`] for real use, [`MemoryJournal`] for tests and simulation; [`kit`] is the conformance test
//! both pass, and any later one must.

mod around;
mod check;
mod commit;
mod error;
mod faults;
mod journal;
pub mod kit;
mod memory;
mod options;
mod record;
mod snapshot;
mod sqlite;
mod url;

pub use around::{Around, Commits};
pub use commit::{Commit, Committed, NewEvent, Part, Put};
pub use error::{CommitError, OpenError, ReadError};
pub use faults::{CRASH_AT_COMMIT, CrashPoint, Faults};
pub use journal::Journal;
pub use memory::{MemoryJournal, MemoryStore};
pub use options::{Lease, Options, Retention};
pub use record::{Epoch, EventRecord, Health, JournalId, RequestRecord, Snapshot, StreamInfo, Trimmed};
pub use snapshot::{EVERY as SNAPSHOT_EVERY, due as snapshot_due};
pub use sqlite::SqliteJournal;
pub use url::open;
