//! Every error leaves with exactly one `ErrorInfo` and under the code that the contracts promise.

use bellwether_resource::error::Reason;
use http::HeaderMap;
use tonic::{Code, Status};

use crate::{MESSAGE_MALFORMED, MESSAGE_TOO_LARGE, reasons::generic};

/// Rewrites the status in response headers or trailers where it needs it, and returns its code.
pub(super) fn normalise(headers: &mut HeaderMap) -> Option<Code> {
    let status = Status::from_header_map(headers)?;
    if status.code() == Code::Ok {
        return Some(Code::Ok);
    }
    let Some(better) = improve(&status) else { return Some(status.code()) };
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        headers.remove(name);
    }
    let code = better.code();
    if better.add_header(headers).is_err() {
        // only a message that is no header value gets here, and `Status` encodes those
        headers.insert("grpc-status", http::HeaderValue::from_static("13"));
    }
    Some(code)
}

/// The status under its right code and with its reason; none: it is right as it is. Whoever sends details of its own
/// sends a reason with them.
fn improve(status: &Status) -> Option<Status> {
    status.details().is_empty().then(|| reason_of(status).because(status.message()).into())
}

/// What tonic says itself, in our terms. Its codes for a message that is too large and for one that cannot be decoded
/// are not those of the contracts.
fn reason_of(status: &Status) -> Reason {
    let message = status.message();
    match status.code() {
        Code::OutOfRange if message.contains("message length too large") => MESSAGE_TOO_LARGE,
        Code::Internal if message.starts_with("failed to decode Protobuf message") => MESSAGE_MALFORMED,
        code => generic(code),
    }
}

#[cfg(test)]
mod tests {
    use tonic_types::StatusExt as _;

    use super::*;

    fn through(status: &Status) -> Status {
        let mut headers = HeaderMap::new();
        status.add_header(&mut headers).unwrap();
        assert!(normalise(&mut headers).is_some());
        Status::from_header_map(&headers).unwrap()
    }

    #[test]
    fn a_message_too_large_is_resource_exhausted() {
        let text = "Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes";
        let status = through(&Status::out_of_range(text));
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.get_details_error_info().unwrap().reason, "MESSAGE_TOO_LARGE");
        assert_eq!(status.message(), text);
    }

    #[test]
    fn a_message_that_cannot_be_decoded_is_a_bad_argument() {
        let status = through(&Status::internal("failed to decode Protobuf message: invalid varint"));
        assert_eq!(status.code(), Code::InvalidArgument);
    }

    #[test]
    fn what_has_a_reason_stays_as_it_is() {
        let status = Status::from(bellwether_resource::error::ETAG_MISMATCH.because("changed"));
        let after = through(&status);
        assert_eq!((after.code(), after.details()), (status.code(), status.details()));
    }

    #[test]
    fn what_has_none_gets_one() {
        let status = through(&Status::not_found("gone ✂"));
        assert_eq!((status.code(), status.message()), (Code::NotFound, "gone ✂"));
        assert_eq!(status.get_details_error_info().unwrap().reason, "NOT_FOUND");
        assert_eq!(normalise(&mut HeaderMap::new()), None);
    }
}
