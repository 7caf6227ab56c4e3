//! Exit codes, so that scripts can tell what happened. Documented in docs/guide/cli.md. `up` and the services have 10 to 29 for
//! why they do not start.

use std::process::ExitCode;

/// Why the command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All is well; with `--wait`: the release is live.
    Ok = 0,
    /// Something failed that has no code of its own.
    Failure = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The input was refused: a file, a value, a name.
    Invalid = 3,
    /// There is no such thing.
    NotFound = 4,
    /// Not now: a wrong state, a stale etag, a closed gate.
    Precondition = 5,
    /// The server cannot be reached.
    Unavailable = 6,
    /// The caller may not do this, or is not known.
    Permission = 7,
    /// `--wait`: the release was taken back.
    RolledBack = 30,
    /// `--wait`: the release was rejected, cancelled, superseded or expired.
    Rejected = 31,
    /// `--wait`: the time was over.
    Timeout = 32,
    /// `--wait`: the release failed and was not taken back.
    Failed = 33,
    /// `--wait`: a person must decide.
    NeedsOperator = 34,
    /// Ended by Ctrl-C.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
