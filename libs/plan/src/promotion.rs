//! Holds, vetoes, and which release goes on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ApplicationId, Approver, EnvironmentId, ReleaseId};

/// How a hold came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HoldCause {
    /// Somebody stopped the line: nothing starts.
    Person,
    /// A release was rolled back by hand: nothing is promoted by itself until somebody promotes again.
    ManualRollback,
    /// Somebody promoted an older version; as above.
    OlderVersion,
}

/// Nothing starts in its scope until it is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Its id, a UUID.
    pub id: String,
    /// Only this application; `None`: all.
    pub application: Option<ApplicationId>,
    /// Only this environment; `None`: all.
    pub environment: Option<EnvironmentId>,
    /// How it came about.
    pub cause: HoldCause,
    /// Whose it is.
    pub by: Approver,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A version that never starts again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Veto {
    /// Of this application.
    pub application: ApplicationId,
    /// The version.
    pub version: String,
    /// Who said so.
    pub by: Approver,
    /// Why.
    pub reason: String,
}

/// A release that waits for an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate<'a> {
    /// Which.
    pub release: &'a ReleaseId,
    /// Whether it is admitted at this moment.
    pub open: bool,
    /// Whether somebody sent it on, rather than the planner.
    pub promoted: bool,
}

/// The release that starts next. Release ids sort by time.
///
/// One that somebody promoted goes first, the newest of them. Else it is the newest that is open, if it is newer than
/// `serving`, the release that is live or on its way here: the planner never goes back by itself.
pub fn newest_available<'a>(
    candidates: &[Candidate<'a>],
    serving: Option<&ReleaseId>,
) -> Option<&'a ReleaseId> {
    let open = || candidates.iter().filter(|candidate| candidate.open);
    let promoted = open().filter(|candidate| candidate.promoted).map(|candidate| candidate.release).max();
    promoted.or_else(|| {
        let newest = open().map(|candidate| candidate.release).max()?;
        serving.is_none_or(|serving| newest > serving).then_some(newest)
    })
}

// === impl Hold ===

impl Hold {
    /// Whether it covers this application in this environment.
    pub fn covers(&self, application: &ApplicationId, environment: &EnvironmentId) -> bool {
        self.application.as_ref().is_none_or(|held| held == application)
            && self.environment.as_ref().is_none_or(|held| held == environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_open_one_goes_and_never_an_older_than_what_serves() {
        let (one, two, three) = ("1".into(), "2".into(), "3".into());
        let candidate = |release, open| Candidate { release, open, promoted: false };
        let all = [candidate(&two, true), candidate(&one, true), candidate(&three, false)];
        assert_eq!(newest_available(&all, None), Some(&two));
        assert_eq!(newest_available(&all, Some(&one)), Some(&two));
        assert_eq!(newest_available(&all, Some(&two)), None);
        assert_eq!(newest_available(&all[2..], None), None);
    }

    #[test]
    fn a_person_may_go_back() {
        let (one, two) = ("1".into(), "2".into());
        let all = [
            Candidate { release: &one, open: true, promoted: true },
            Candidate { release: &two, open: true, promoted: false },
        ];
        assert_eq!(newest_available(&all, Some(&two)), Some(&one));
    }
}
