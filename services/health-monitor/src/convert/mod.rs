//! Between the contract and the judge.

mod policy;
mod sample;
mod segment;
mod verdict;

pub use policy::{horizon, settings};
pub use sample::{Told, batches, event};
pub use segment::segment;
pub use verdict::verdict;
