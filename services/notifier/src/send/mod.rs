//! From the outbox to the receivers: one worker per receiver, each at its receiver's pace.

mod board;
mod breaker;
mod bucket;
mod channel;
mod secret;
mod sign;
mod webhook;
mod worker;
mod workers;

pub use board::{Board, Held};
pub use breaker::{Breaker, BreakerPolicy};
pub use bucket::Bucket;
pub use channel::{Report, Sender};
pub use secret::{Key, SecretError};
pub use sign::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, signature};
pub use workers::run;
