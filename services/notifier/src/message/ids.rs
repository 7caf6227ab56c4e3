//! Identifiers that are derived, so that the same fact makes the same ones however often it is read.

use bellwether_clock::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Source;

/// The id of the fact at `place` of `source`.
pub fn event_id(source: Source, place: &str, time: Timestamp) -> Uuid {
    derive(time, &[source.as_str(), place, &time.to_string()])
}

/// The id of the delivery of that fact to a receiver.
pub fn delivery_id(event: Uuid, time: Timestamp, receiver: &str) -> Uuid {
    derive(time, &[&event.to_string(), receiver])
}

/// A UUID in the layout of version 7: it sorts by `time`, and what would be random is a digest of `parts`.
fn derive(time: Timestamp, parts: &[&str]) -> Uuid {
    let mut digest = Sha256::new();
    for part in parts {
        // the length keeps ("ab", "c") and ("a", "bc") apart
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    let digest = digest.finalize();
    let mut random = [0u8; 10];
    random.iter_mut().zip(digest.iter()).for_each(|(to, from)| *to = *from);
    let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_fact_makes_the_same_ids_and_another_makes_others() {
        let time: Timestamp = "2026-03-01T12:00:00.25Z".parse().unwrap();
        let event = event_id(Source::Executor, "rollouts/7", time);
        assert_eq!(event, event_id(Source::Executor, "rollouts/7", time));
        assert_ne!(event, event_id(Source::Planner, "rollouts/7", time));
        assert_ne!(event, event_id(Source::Executor, "rollouts/8", time));
        assert_ne!(delivery_id(event, time, "ops"), delivery_id(event, time, "log"));
        assert_eq!(event.get_version_num(), 7);
    }
}
