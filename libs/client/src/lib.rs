//! Typed clients: deadlines, retries, a Watch that resumes.
//!
//! A [`Transport`] stands in for tonic's `Channel` under the generated clients
//! (`ExecutorServiceClient::new(transport.clone())`), [`Calls`] repeats what may be repeated, [`Watch`] follows a stream
//! for ever, and [`ApiError`] is what a refusal says.

mod backoff;
mod calls;
mod error;
mod transport;
mod watch;

pub use backoff::Backoff;
pub use calls::Calls;
pub use error::{ApiError, FieldViolation, Problem, Violation};
pub use transport::{Builder, Transport, TransportError};
pub use watch::{Watch, WatchEvent, WatchMessage, WatchResource, WatchStep};
