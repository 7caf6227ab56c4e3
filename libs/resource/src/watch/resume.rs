//! Resume tokens: which journal, where in it, under which filter.

use bellwether_journal::JournalId;

use crate::{
    Filter, digest,
    token::{Purpose, open, seal},
};

/// What tokens of one stream have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    journal: [u8; 16],
    filter: [u8; 8],
}

/// Why a token cannot be resumed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Events after it are gone.
    Expired,
    /// It is of another journal, or of none.
    Foreign,
    /// The journal has not come that far: it is a restored backup.
    Ahead,
    /// It is of another filter, or of another kind of resource.
    FilterChanged,
}

// === impl Origin ===

impl Origin {
    /// Of streams of `prefix` under `filter`.
    pub(super) fn new(journal: JournalId, prefix: &str, fields: &str, filter: &Filter) -> Self {
        let canonical = filter.canonical();
        let full = digest::of_parts([prefix.as_bytes(), fields.as_bytes(), canonical.as_bytes()]);
        let mut filter = [0; 8];
        filter.copy_from_slice(&full[..8]);
        Self { journal: journal.0.into_bytes(), filter }
    }

    /// The token that resumes after `position`.
    pub(super) fn token(&self, position: u64) -> String {
        seal(Purpose::Resume, &[self.journal.as_slice(), &self.filter, &position.to_be_bytes()].concat())
    }

    /// The position that `token` resumes after.
    pub(super) fn position(&self, token: &str) -> Result<u64, Unusable> {
        let content = open(Purpose::Resume, token).ok_or(Unusable::Foreign)?;
        let rest = content.strip_prefix(&self.journal).ok_or(Unusable::Foreign)?;
        let position = rest.strip_prefix(&self.filter).ok_or(Unusable::FilterChanged)?;
        position.try_into().map(u64::from_be_bytes).map_err(|_| Unusable::Foreign)
    }
}

// === impl Unusable ===

impl Unusable {
    /// As `WatchReset.reason` says it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Expired => "EXPIRED",
            Self::Foreign => "FOREIGN",
            Self::Ahead => "AHEAD",
            Self::FilterChanged => "FILTER_CHANGED",
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{FilterField, Violations};

    fn origin(journal: u128, filter: &str) -> Origin {
        let filter = Filter::read(&mut Violations::new(), filter, &[FilterField("name")]);
        Origin::new(JournalId(Uuid::from_u128(journal)), "counters/", "name", &filter)
    }

    #[test]
    fn a_token_is_bound_to_journal_and_filter() {
        let token = origin(1, "name = a").token(77);
        assert!(token.len() < 64, "{token}");
        assert_eq!(origin(1, "name = \"a\"").position(&token), Ok(77));
        assert_eq!(origin(2, "name = a").position(&token), Err(Unusable::Foreign));
        assert_eq!(origin(1, "").position(&token), Err(Unusable::FilterChanged));
        assert_eq!(origin(1, "").position("rubbish"), Err(Unusable::Foreign));
    }
}
