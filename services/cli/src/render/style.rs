//! Small things that every view uses: times, shares, bars, colours.

use std::time::Duration;

use bellwether_proto::Timestamp as Proto;
use jiff::{SignedDuration, Timestamp};

/// Colours with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Well.
    Good,
    /// Look here.
    Warn,
    /// Broken.
    Bad,
    /// Less important.
    Faint,
    /// More important.
    Strong,
}

/// `text` in a colour, where colours are wanted.
pub fn paint(text: &str, tone: Tone) -> String {
    if !super::colours() {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Warn => "33",
        Tone::Bad => "31",
        Tone::Faint => "2",
        Tone::Strong => "1",
    };
    format!("\x1b[{code}m{text}\x1b[0m")
}

/// `350ms`, `4.2s`, `2m13s`, `3h05m`, `2d04h`.
pub fn duration(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..=9 => format!("{:.1}s", span.as_secs_f64()),
        10..=59 => format!("{seconds}s"),
        60..=3599 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3600..=86_399 => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A message's duration.
pub fn span(duration: &bellwether_proto::Duration) -> Duration {
    let nanos = u32::try_from(duration.nanos).unwrap_or(0);
    Duration::new(u64::try_from(duration.seconds).unwrap_or(0), nanos)
}

/// A duration as messages have it.
pub fn to_span(span: Duration) -> bellwether_proto::Duration {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    bellwether_proto::Duration { seconds, nanos: span.subsec_nanos().try_into().unwrap_or(0) }
}

/// A message's time.
pub fn time(proto: &Proto) -> Option<Timestamp> {
    Timestamp::new(proto.seconds, proto.nanos).ok()
}

/// `12s ago`; `-` where there is no time.
pub fn ago(proto: Option<&Proto>, now: Timestamp) -> String {
    proto.and_then(time).map_or_else(|| "-".to_owned(), |then| format!("{} ago", between(then, now)))
}

/// How long it is from one to the other; never below zero.
pub fn between(from: Timestamp, to: Timestamp) -> String {
    duration(to.duration_since(from).max(SignedDuration::ZERO).unsigned_abs())
}

/// `10 %`, `12.5 %`.
pub fn percent(value: f64) -> String {
    // a sum of nothing is −0
    let value = value + 0.0;
    if (value - value.round()).abs() < 0.05 { format!("{value:.0} %") } else { format!("{value:.1} %") }
}

/// A bar of `width` cells, filled to `percent`.
pub fn bar(percent: f64, width: usize) -> String {
    let filled = (percent.clamp(0.0, 100.0) / 100.0 * width as f64).round() as usize;
    format!("{}{}", "█".repeat(filled), "░".repeat(width.saturating_sub(filled)))
}

/// The end of an id, where ids of the same time differ.
pub fn tail(id: &str) -> &str {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id)
}

/// `ROLLING_BACK` of `STATE_ROLLING_BACK`.
pub fn state(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let text = |millis| duration(Duration::from_millis(millis));
        assert_eq!(
            [text(350), text(4_200), text(42_000), text(133_000), text(11_100_000), text(187_200_000)],
            ["350ms", "4.2s", "42s", "2m13s", "3h05m", "2d04h"]
        );
    }

    #[test]
    fn shares_have_no_sign() {
        assert_eq!([percent(-0.0), percent(12.5), percent(100.0)], ["0 %", "12.5 %", "100 %"]);
    }

    #[test]
    fn bars_keep_their_width() {
        for value in [-5.0, 0.0, 10.0, 99.9, 250.0] {
            assert_eq!(bar(value, 20).chars().count(), 20);
        }
        assert_eq!(bar(50.0, 4), "██░░");
    }
}
