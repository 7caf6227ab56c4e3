//! Errors as every call gives them: a status with one reason, its values, and what to do.

mod catalogue;
mod pages;
mod problem;

pub use catalogue::*;
pub use pages::{code_name, page_problems};
pub use problem::{Precondition, PreconditionKind, Problem};

pub use tonic::Code;

/// The domain of every reason.
pub const DOMAIN: &str = "bellwether.dev";

/// A reason that calls are refused for; has a page in `docs/errors/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// UPPER_SNAKE; stable.
    pub name: &'static str,
    /// The status code it comes with.
    pub code: Code,
    /// Whether the same call may succeed later without the caller changing anything.
    pub retryable: bool,
    /// What the caller can do, in one sentence.
    pub remedy: &'static str,
}

/// Declares reasons as constants, and a list of all of them for the test that each has its page.
///
/// ```
/// bellwether_resource::reasons! {
///     /// What this service refuses calls for.
///     pub ALL;
///     /// The rollout is over.
///     ROLLOUT_ENDED = FailedPrecondition, "Start a new rollout.";
///     /// Too many rollouts at once.
///     TOO_MANY_ROLLOUTS = ResourceExhausted, retryable, "Wait for others to end.";
/// }
/// assert_eq!(ALL.len(), 2);
/// ```
#[macro_export]
macro_rules! reasons {
    (
        $(#[$list_doc:meta])* $visibility:vis $list:ident;
        $($(#[$doc:meta])* $name:ident = $code:ident, $($retryable:ident,)? $remedy:literal;)*
    ) => {
        $($(#[$doc])* $visibility const $name: $crate::error::Reason = $crate::error::Reason {
            name: stringify!($name),
            code: $crate::error::Code::$code,
            retryable: $crate::reasons!(@ $($retryable)?),
            remedy: $remedy,
        };)*
        $(#[$list_doc])* $visibility const $list: &[$crate::error::Reason] = &[$($name),*];
    };
    (@ retryable) => { true };
    (@) => { false };
}

// === impl Reason ===

impl Reason {
    /// A refusal for this reason; `message` says in one sentence what is wrong.
    pub fn because(self, message: impl Into<String>) -> Problem {
        Problem::new(self, message)
    }
}
