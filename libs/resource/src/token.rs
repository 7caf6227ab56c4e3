//! Opaque tokens: what we put in, recognised when it comes back.
//!
//! A checksum, not a signature: a token grants nothing, it only says where to go on. Whoever forges one gets another
//! place in what he may read anyway.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::digest;

const CHECKSUM: usize = 4;

/// What a token is for; a token of one kind is none of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Purpose {
    /// Going on with a list.
    Page = 1,
    /// Going on with a Watch.
    Resume = 2,
}

/// A token with this content.
pub(crate) fn seal(purpose: Purpose, content: &[u8]) -> String {
    let mut bytes = vec![purpose as u8];
    bytes.extend_from_slice(content);
    bytes.extend_from_slice(&digest::of_parts([bytes.as_slice()])[..CHECKSUM]);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The content of a token that was sealed for this purpose.
pub(crate) fn open(purpose: Purpose, token: &str) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let checksum = bytes.split_off(bytes.len().checked_sub(CHECKSUM)?);
    let is_whole = digest::of_parts([bytes.as_slice()]).starts_with(&checksum);
    let is_ours = bytes.first() == Some(&(purpose as u8));
    (is_whole && is_ours).then(|| bytes.split_off(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens() {
        let token = seal(Purpose::Page, b"shop");
        assert_eq!(open(Purpose::Page, &token).as_deref(), Some(b"shop".as_slice()));
        assert_eq!(open(Purpose::Resume, &token), None);
        for wrong in ["", "AA", "!!", &token[1..], &token.to_lowercase()] {
            assert_eq!(open(Purpose::Page, wrong), None, "{wrong}");
        }
    }
}
