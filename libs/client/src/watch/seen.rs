//! What a consumer has seen of each resource, so that a reset neither repeats nor loses a fact.

use std::collections::{HashMap, HashSet};

/// Versions by resource name.
#[derive(Debug, Default)]
pub(super) struct Seen {
    versions: HashMap<String, i64>,
    /// While a snapshot is sent: what it has not named yet.
    unnamed: Option<HashSet<String>>,
}

// === impl Seen ===

impl Seen {
    /// A stream begins, after a token.
    pub(super) fn resume(&mut self) {
        self.unnamed = None;
    }

    /// A snapshot begins: what it does not name is gone.
    pub(super) fn reset(&mut self) {
        self.unnamed = Some(self.versions.keys().cloned().collect());
    }

    /// Is this version news? Remembers it.
    pub(super) fn is_news(&mut self, name: &str, version: i64) -> bool {
        if let Some(unnamed) = &mut self.unnamed {
            unnamed.remove(name);
        }
        match self.versions.get_mut(name) {
            Some(seen) if *seen >= version => false,
            Some(seen) => {
                *seen = version;
                true
            }
            None => {
                self.versions.insert(name.to_owned(), version);
                true
            }
        }
    }

    /// Another journal counts anew: nothing of it has been seen.
    pub(super) fn recount(&mut self) {
        self.versions.values_mut().for_each(|version| *version = i64::MIN);
    }

    /// The resource is gone.
    pub(super) fn forget(&mut self, name: &str) {
        self.versions.remove(name);
    }

    /// The snapshot is complete: returns the names that it did not have, and forgets them.
    pub(super) fn complete(&mut self) -> Vec<String> {
        let gone = self.unnamed.take().unwrap_or_default();
        self.versions.retain(|name, _| !gone.contains(name));
        let mut gone: Vec<_> = gone.into_iter().collect();
        gone.sort_unstable();
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_news_once() {
        let mut seen = Seen::default();
        assert!(seen.is_news("a", 3));
        assert!(!seen.is_news("a", 3));
        assert!(!seen.is_news("a", 2));
        assert!(seen.is_news("a", 4));
        assert!(seen.is_news("b", 1));
    }

    #[test]
    fn what_a_new_snapshot_lacks_is_gone() {
        let mut seen = Seen::default();
        for name in ["a", "b", "c"] {
            seen.is_news(name, 1);
        }
        assert!(seen.complete().is_empty());
        seen.reset();
        assert!(!seen.is_news("b", 1));
        assert_eq!(seen.complete(), ["a", "c"]);
        assert!(seen.is_news("a", 1), "it may come again");
        assert!(seen.complete().is_empty());
    }

    #[test]
    fn a_snapshot_that_broke_off_says_nothing() {
        let mut seen = Seen::default();
        seen.is_news("a", 1);
        seen.reset();
        seen.resume();
        assert!(seen.complete().is_empty());
    }
}
