//! Between the contract and the judge.

mod sample;
mod segment;
mod verdict;

pub use bellwether_policy::settings::{horizon, settings};
pub use sample::{Delivery, Told, batches, event};
pub use segment::segment;
pub use verdict::{code, verdict};
