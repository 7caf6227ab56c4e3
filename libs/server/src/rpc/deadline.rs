//! Deadlines: the client's `grpc-timeout`, else ours for unary calls.

use std::time::Duration;

use bellwether_clock::{Env, Timestamp};
use bellwether_resource::error::Problem;
use http::{Extensions, HeaderMap};
use tonic::Status;

use crate::{DEADLINE_EXCEEDED, DEADLINE_MALFORMED, Limits, Method};

/// When the caller stops waiting; in the extensions of the request. Calls made for it take what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline(pub Timestamp);

// === impl Deadline ===

impl Deadline {
    /// The deadline of a request; streams may have none.
    pub fn of(extensions: &Extensions) -> Option<Self> {
        extensions.get::<Self>().copied()
    }

    /// The time left.
    pub fn left(self, env: &Env) -> Duration {
        env.until(self.0)
    }
}

/// How long this call may take; none: a stream without `grpc-timeout`.
pub(super) fn time_for(
    method: &Method,
    headers: &HeaderMap,
    limits: &Limits,
) -> Result<Option<Duration>, Status> {
    let asked = match headers.get("grpc-timeout") {
        None => None,
        Some(value) => Some(
            value
                .to_str()
                .ok()
                .and_then(parse)
                .ok_or_else(|| DEADLINE_MALFORMED.because("grpc-timeout is malformed"))?,
        ),
    };
    if method.streaming {
        return Ok(asked);
    }
    Ok(Some(asked.map_or(limits.unary_timeout, |asked| asked.min(limits.longest_deadline))))
}

/// What a call is answered with whose time is over.
pub(super) fn exceeded() -> Problem {
    DEADLINE_EXCEEDED.because("the call took longer than its deadline")
}

/// The grammar of `grpc-timeout` in the gRPC over HTTP/2 protocol.
fn parse(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let n: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(n * 3600),
        "M" => Duration::from_secs(n * 60),
        "S" => Duration::from_secs(n),
        "m" => Duration::from_millis(n),
        "u" => Duration::from_micros(n),
        "n" => Duration::from_nanos(n),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(streaming: bool, value: Option<&str>) -> Result<Option<Duration>, ()> {
        let method = Method { service: String::new(), name: String::new(), permission: None, streaming };
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert("grpc-timeout", value.parse().unwrap());
        }
        time_for(&method, &headers, &Limits::default()).map_err(|_| ())
    }

    #[test]
    fn unary_calls_always_have_one() {
        assert_eq!(time(false, None), Ok(Some(Duration::from_secs(30))));
        assert_eq!(time(false, Some("5S")), Ok(Some(Duration::from_secs(5))));
        assert_eq!(time(false, Some("99999999H")), Ok(Some(Duration::from_secs(3600))));
    }

    #[test]
    fn streams_have_the_clients_own_or_none() {
        assert_eq!(time(true, None), Ok(None));
        assert_eq!(time(true, Some("200m")), Ok(Some(Duration::from_millis(200))));
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in ["", "S", "5", "123456789S", "-1S", "1s", "1µ"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
        assert_eq!(time(false, Some("x")), Err(()));
    }
}
