//! Where numbers come from beside what is pushed: OpenTelemetry metrics that are exported to the monitor, and Prometheus
//! servers that it asks. Each source of an analysis is a task of its own: one that hangs delays no other.

mod computed;
pub mod declared;
pub mod derived;
pub mod feed;
pub mod grid;
pub mod health;
pub mod ledger;
pub mod otlp;
pub mod prometheus;
mod pushed;
pub mod servers;
mod surroundings;

pub use declared::Declared;
pub use health::SourceHealth;
pub use pushed::Pushed;
pub use surroundings::{Secrets, SourcesArgs, Surroundings};
