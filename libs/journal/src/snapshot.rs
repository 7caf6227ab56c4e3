//! When to take a snapshot.

/// A snapshot every so many events keeps replay short and retention possible.
pub const EVERY: u64 = 200;

/// Whether a stream at `version` whose last snapshot was at `last` (0: none) is due for one.
pub fn due(version: u64, last: u64) -> bool {
    version.saturating_sub(last) >= EVERY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_due_every_two_hundred_events() {
        assert!(!due(199, 0));
        assert!(due(200, 0));
        assert!(!due(250, 200));
        assert!(due(431, 200));
        assert!(!due(3, 9), "a snapshot ahead of the stream is nobody's business here");
    }
}
