//! Etags: what a decision was made on.

use crate::{
    digest,
    error::{ETAG_MISMATCH, ETAG_REQUIRED, Problem},
};

/// An etag over everything that a decision may depend on.
pub fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    hex::encode(&digest::of_parts(parts)[..8])
}

/// Refuses a call that was decided on something else. An empty `given` means: whatever it is.
///
/// # Errors
/// `ETAG_MISMATCH` (ABORTED).
pub fn check(name: &str, given: &str, actual: &str) -> Result<(), Problem> {
    if given.is_empty() || given == actual {
        return Ok(());
    }
    let problem = ETAG_MISMATCH.because(format!("{name} has changed since it was read"));
    Err(problem.with("given", given).with("actual", actual))
}

/// As [`check`], where deciding blindly is not allowed.
///
/// # Errors
/// `ETAG_REQUIRED` (INVALID_ARGUMENT), `ETAG_MISMATCH` (ABORTED).
pub fn require(name: &str, given: &str, actual: &str) -> Result<(), Problem> {
    if given.is_empty() {
        return Err(ETAG_REQUIRED.because(format!("the call on {name} needs its etag")));
    }
    check(name, given, actual)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_one_or_none_passes() {
        let etag = of([b"state".as_slice(), b"7"]);
        assert!(check("rollouts/1", &etag, &etag).is_ok());
        assert!(check("rollouts/1", "", &etag).is_ok());
        assert_eq!(check("rollouts/1", "old", &etag).unwrap_err().reason, ETAG_MISMATCH);
        assert_eq!(require("rollouts/1", "", &etag).unwrap_err().reason, ETAG_REQUIRED);
        assert!(require("rollouts/1", &etag, &etag).is_ok());
    }
}
