//! Crashes at exact places, for tests that prove recovery.

use std::{path::Path, str::FromStr};

/// Environment variable that provokes a crash: `[JOURNAL:](before|after):N` aborts the process right before, or
/// right after, its `N`-th commit to a journal becomes durable. `JOURNAL` is the file's name without extension
/// (`executor`) and limits it to that one. Commits count from 1 and per opened journal.
pub const CRASH_AT_COMMIT: &str = "BELLWETHER_CRASH_AT_COMMIT";

/// Which crashes to provoke; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Where to abort the process.
    pub crash: Option<CrashPoint>,
}

/// One place to crash at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashPoint {
    /// Stem of the journal's file name; any journal when absent.
    pub journal: Option<String>,
    /// Whether the commit is already durable when the process aborts.
    pub durable: bool,
    /// Which commit, from 1.
    pub commit: u64,
}

/// Counts commits towards a crash point.
#[derive(Debug)]
pub(crate) struct Trap {
    point: Option<CrashPoint>,
    seen: u64,
}

/// What a crash point does not look like.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected [JOURNAL:](before|after):N with N from 1")]
pub struct NotACrashPoint;

// === impl Faults ===

impl Faults {
    /// As the environment says; the only place that reads [`CRASH_AT_COMMIT`]. A value that cannot be read is
    /// reported and ignored.
    pub fn from_env() -> Self {
        let Ok(text) = std::env::var(CRASH_AT_COMMIT) else { return Self::default() };
        match text.parse() {
            Ok(point) => Self { crash: Some(point) },
            Err(NotACrashPoint) => {
                tracing::error!(value = text, "{CRASH_AT_COMMIT} is ignored: {NotACrashPoint}");
                Self::default()
            }
        }
    }

    /// What concerns the journal in this file.
    pub(crate) fn trap(&self, path: &Path) -> Trap {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy());
        let concerns =
            |point: &CrashPoint| point.journal.as_deref().is_none_or(|name| stem.as_deref() == Some(name));
        Trap { point: self.crash.clone().filter(concerns), seen: 0 }
    }
}

// === impl CrashPoint ===

impl FromStr for CrashPoint {
    type Err = NotACrashPoint;

    fn from_str(text: &str) -> Result<Self, NotACrashPoint> {
        let (rest, number) = text.rsplit_once(':').ok_or(NotACrashPoint)?;
        let (journal, moment) = match rest.rsplit_once(':') {
            Some((journal, moment)) => (Some(journal.to_owned()), moment),
            None => (None, rest),
        };
        let durable = match moment {
            "before" => false,
            "after" => true,
            _ => return Err(NotACrashPoint),
        };
        let commit = number.parse().ok().filter(|commit| *commit > 0).ok_or(NotACrashPoint)?;
        Ok(Self { journal, durable, commit })
    }
}

// === impl Trap ===

impl Trap {
    /// Whether commits must be made one by one, so that the crash hits exactly one of them.
    pub(crate) fn is_set(&self) -> bool {
        self.point.is_some()
    }

    /// To be called right before commits become durable.
    pub(crate) fn before(&mut self, commits: usize) {
        self.seen += commits as u64;
        self.spring(false);
    }

    /// To be called right after commits have become durable.
    pub(crate) fn after(&mut self) {
        self.spring(true);
    }

    fn spring(&self, durable: bool) {
        if self.point.as_ref().is_some_and(|point| point.durable == durable && point.commit == self.seen) {
            tracing::error!(commit = self.seen, durable, "crashing as asked to");
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crash_points_are_read() {
        let any = "after:3".parse();
        assert_eq!(any, Ok(CrashPoint { journal: None, durable: true, commit: 3 }));
        let one = "executor:before:17".parse();
        assert_eq!(one, Ok(CrashPoint { journal: Some("executor".into()), durable: false, commit: 17 }));
        for wrong in ["", "3", "after", "after:", "after:0", "after:x", "during:3", "executor:3"] {
            assert_eq!(wrong.parse::<CrashPoint>(), Err(NotACrashPoint), "{wrong:?}");
        }
    }

    #[test]
    fn a_trap_minds_its_journal() {
        let faults = Faults { crash: "executor:before:1".parse().ok() };
        assert!(faults.trap(Path::new("/data/executor.db")).is_set());
        assert!(!faults.trap(Path::new("/data/planner.db")).is_set());
    }
}
