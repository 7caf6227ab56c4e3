//! The gateway as a process.

mod failures;
mod weights;
