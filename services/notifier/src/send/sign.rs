//! Signatures as in Standard Webhooks 1.0 (<https://www.standardwebhooks.com>).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::Key;

/// The header with the message's id.
pub const HEADER_ID: &str = "webhook-id";
/// The header with the time of the attempt, Unix seconds.
pub const HEADER_TIMESTAMP: &str = "webhook-timestamp";
/// The header with the signatures.
pub const HEADER_SIGNATURE: &str = "webhook-signature";

/// The value of [`HEADER_SIGNATURE`]: `v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64, for each key,
/// separated by spaces.
pub fn signature(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> String {
    let signatures: Vec<_> = keys.iter().filter_map(|key| sign(key, id, timestamp, body)).collect();
    signatures.join(" ")
}

fn sign(key: &Key, id: &str, timestamp: i64, body: &[u8]) -> Option<String> {
    // HMAC takes keys of any length, so there is always one
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).ok()?;
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification and of its reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    #[test]
    fn n10_the_specifications_example() {
        let keys = [Key::parse(SECRET).unwrap()];
        assert_eq!(signature(&keys, ID, TIMESTAMP, BODY), SIGNATURE);
    }

    #[test]
    fn every_key_signs() {
        let other = format!("whsec_{}", STANDARD.encode([7u8; 32]));
        let keys = [Key::parse(&other).unwrap(), Key::parse(SECRET).unwrap()];
        let both = signature(&keys, ID, TIMESTAMP, BODY);
        let (first, second) = both.split_once(' ').unwrap();
        assert!(first.starts_with("v1,") && first != SIGNATURE);
        assert_eq!(second, SIGNATURE);
    }

    #[test]
    fn what_is_no_secret_is_refused_and_nothing_of_it_shows() {
        for text in ["", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_????"] {
            assert!(Key::parse(text).is_none(), "{text:?}");
        }
        assert_eq!(format!("{:?}", Key::parse(SECRET).unwrap()), "Key(…)");
    }
}
