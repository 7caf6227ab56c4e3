//! The gateway's own answers, where no instance gave one.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use super::body::ResponseBody;

/// Why the gateway answers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// Nothing is configured for this address, host and path.
    NoTarget,
    /// The target is there, but no fleet gets requests.
    NoRoute,
    /// The fleet has no instance that gets requests.
    NoInstance,
    /// No instance could be reached, or it broke off.
    BadGateway,
    /// A drain's deadline cut the request.
    Drained,
    /// The instance gave no answer in time.
    TimedOut,
    /// The request's body is over the limit.
    TooLarge,
    /// The client stopped sending its request.
    BrokenOff,
    /// Something of HTTP that is not offered here.
    Unsupported,
}

// === impl Own ===

impl Own {
    /// The answer; to a gRPC client in its own words.
    pub fn answer(self, grpc: bool) -> Response<ResponseBody> {
        let (status, code, grpc_status, message) = self.words();
        let mut response = Response::new(ResponseBody::Own(Full::default()));
        let headers = response.headers_mut();
        if grpc {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", HeaderValue::from_static(grpc_status));
            headers.insert("grpc-message", HeaderValue::from_static(message));
            return response;
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.status_mut() = status;
        let body = format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"{message}\"}}}}\n");
        *response.body_mut() = ResponseBody::Own(Full::new(Bytes::from(body)));
        response
    }

    /// Status, code, gRPC status (UNIMPLEMENTED, UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, CANCELLED), text.
    fn words(self) -> (StatusCode, &'static str, &'static str, &'static str) {
        match self {
            Self::NoTarget => (StatusCode::NOT_FOUND, "NO_TARGET", "12", "no application is routed here"),
            Self::NoRoute => {
                (StatusCode::SERVICE_UNAVAILABLE, "NO_ROUTE", "14", "the application is not taking requests")
            }
            Self::NoInstance => (
                StatusCode::SERVICE_UNAVAILABLE,
                "NO_INSTANCE",
                "14",
                "no instance of the application is ready",
            ),
            Self::BadGateway => {
                (StatusCode::BAD_GATEWAY, "BAD_GATEWAY", "14", "no instance of the application answered")
            }
            Self::Drained => (
                StatusCode::SERVICE_UNAVAILABLE,
                "DRAINED",
                "14",
                "the instance was taken away, send it again",
            ),
            Self::TimedOut => {
                (StatusCode::GATEWAY_TIMEOUT, "TIMED_OUT", "4", "the application did not answer in time")
            }
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", "8", "the body is over the limit"),
            Self::BrokenOff => (StatusCode::BAD_REQUEST, "BROKEN_OFF", "1", "the request was not sent whole"),
            Self::Unsupported => {
                (StatusCode::NOT_IMPLEMENTED, "UNSUPPORTED", "12", "this method is not offered here")
            }
        }
    }
}
