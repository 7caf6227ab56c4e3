//! The traits Platform and Router, their conformance kit, and the fake.
//!
//! A [`Platform`] runs instances, a [`Router`] moves traffic; a driver implements one or both. [`Driver`] joins
//! one of each into what the executor converges. Everything is level-triggered: what is asked for is complete,
//! may be repeated, and may be asked for by an executor that has just started and remembers nothing.

mod capabilities;
mod driver;
mod error;
pub mod fake;
mod fence;
pub mod kit;
mod traits;

pub use capabilities::{Capabilities, Missing};
pub use driver::Driver;
pub use error::{Error, Result};
pub use fence::Fence;
pub use traits::{Platform, PlatformObserved, Router, RouterObserved, Watch};
