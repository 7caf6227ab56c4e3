//! Proto's times and ours.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_proto as proto;

/// A proto timestamp as ours; none when out of range.
pub fn timestamp(value: &proto::Timestamp) -> Option<Timestamp> {
    (0..1_000_000_000).contains(&value.nanos).then_some(())?;
    Timestamp::new(value.seconds, value.nanos).ok()
}

/// A proto duration as ours; none when negative or malformed.
pub fn span(value: &proto::Duration) -> Option<Duration> {
    let nanos = u32::try_from(value.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(value.seconds).ok()?, nanos))
}

/// A time for a message.
pub fn to_timestamp(time: Timestamp) -> proto::Timestamp {
    // proto wants nanoseconds that count forward, ours count away from zero
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        return proto::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 };
    }
    proto::Timestamp { seconds, nanos }
}

/// A duration for a message. Saturates at proto's bound of 10,000 years.
pub fn to_duration(span: Duration) -> proto::Duration {
    const MOST: i64 = 315_576_000_000;
    let seconds = i64::try_from(span.as_secs()).unwrap_or(MOST).min(MOST);
    let nanos = if seconds < MOST { i32::try_from(span.subsec_nanos()).unwrap_or(0) } else { 0 };
    proto::Duration { seconds, nanos }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn times_survive_the_way(nanos in i64::MIN..i64::MAX) {
            let time = Timestamp::from_nanosecond(i128::from(nanos)).unwrap();
            let there = to_timestamp(time);
            prop_assert!((0..1_000_000_000).contains(&there.nanos));
            prop_assert_eq!(timestamp(&there), Some(time));
        }

        #[test]
        fn spans_survive_the_way(seconds in 0..315_576_000_000u64, nanos in 0..1_000_000_000u32) {
            let there = Duration::new(seconds, nanos);
            prop_assert_eq!(span(&to_duration(there)), Some(there));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(timestamp(&proto::Timestamp { seconds: 0, nanos: -1 }), None);
        assert_eq!(timestamp(&proto::Timestamp { seconds: 0, nanos: 1_000_000_000 }), None);
        assert_eq!(span(&proto::Duration { seconds: 0, nanos: -1 }), None);
        assert_eq!(span(&to_duration(Duration::MAX)), Some(Duration::from_secs(315_576_000_000)));
    }
}
