//! What every API of Bellwether does alike, over the journal and independent of any one service.
//!
//! - [`Store`]: the state of a kind of resource, replayed at start; [`Store::transact`] decides, commits and answers,
//!   with request ids, snapshots and disconnecting clients taken care of.
//! - [`watch`]: the stream of a kind of resource: snapshot, current, changes, heartbeats, resume tokens.
//! - [`error`]: refusals with one reason, values, remedy and every violation.
//! - [`Violations`], [`name`], [`etag`], [`Paging`], [`Filter`], [`OrderBy`], [`time`]: reading requests.

mod aggregate;
mod digest;
pub mod error;
pub mod etag;
mod filter;
pub mod name;
mod order;
mod paging;
mod store;
pub mod time;
mod token;
mod violations;
pub mod watch;

pub use aggregate::{Aggregate, Entry, Meta};
pub use filter::{Filter, FilterField};
pub use order::OrderBy;
pub use paging::Paging;
pub use store::{Call, Decision, Done, LoadError, Store, TransactError};
pub use violations::{FieldViolation, Violations};
