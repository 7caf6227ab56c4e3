//! What calls are refused for before they reach their service.

use bellwether_resource::{error::Reason, reasons};
use tonic::Code;

reasons! {
    /// What calls are refused for before they reach their service, beside what every service shares.
    pub SERVER_REASONS;
    /// The call carries no identity, and does not come from this machine directly.
    NO_IDENTITY = Unauthenticated, "Create a token on the server's machine with `bellwether token create NAME --role viewer`, then set BELLWETHER_TOKEN_FILE.";
    /// The bearer token is not known, or no longer.
    TOKEN_UNKNOWN = Unauthenticated, "Check the token; `bellwether token list` shows those there are, `bellwether token create` makes one.";
    /// The caller's token does not let it act for others.
    ACTING_NOT_ALLOWED = PermissionDenied, "Drop the metadata bellwether-on-behalf-of, or use a token with acts_for_others.";
    /// The metadata that says for whom a service acts cannot be read.
    ACTING_MALFORMED = InvalidArgument, "Send <human|agent|service|local>/<name> and known roles separated by commas.";
    /// The caller's roles do not hold what the method needs.
    PERMISSION_DENIED = PermissionDenied, "Ask an admin for a token with a role that holds it (`bellwether token create NAME --role ROLE`).";
    /// The caller's token is bound to other teams or applications.
    OUT_OF_SCOPE = PermissionDenied, "Use a token that is bound to this application and its team.";
    /// The server is at its limit of concurrent calls.
    OVERLOADED = ResourceExhausted, retryable, "Send the call again later; open fewer streams.";
    /// The header grpc-timeout cannot be read.
    DEADLINE_MALFORMED = InvalidArgument, "Send at most 8 digits and one of H, M, S, m, u, n.";
    /// The call took longer than its deadline.
    DEADLINE_EXCEEDED = DeadlineExceeded, "Read the resource to see what became of the call; give it more time.";
    /// The message is larger than 4 MiB.
    MESSAGE_TOO_LARGE = ResourceExhausted, "Send at most 4 MiB in one message.";
    /// The message cannot be decoded.
    MESSAGE_MALFORMED = InvalidArgument, "Use a client that is generated from the current proto/.";
    /// There is no such method here.
    METHOD_UNKNOWN = Unimplemented, "Check the address; compare the versions of client and server.";
}

/// The reason of a status that came without one.
pub(crate) fn generic(code: Code) -> Reason {
    let name = match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
        Code::PermissionDenied => return PERMISSION_DENIED,
        Code::DeadlineExceeded => return DEADLINE_EXCEEDED,
        Code::Unimplemented => return METHOD_UNKNOWN,
    };
    let retryable = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    Reason { name, code, retryable, remedy: "See the message." }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn every_reason_has_its_page() {
        let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/errors");
        for reason in SERVER_REASONS {
            let page = pages.join(format!("{}.md", reason.name));
            assert!(page.is_file(), "{} has no page", reason.name);
        }
    }
}
