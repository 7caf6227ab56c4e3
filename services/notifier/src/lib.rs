//! The notifier: facts of the other services become deliveries.
//!
//! # Flow
//! The streams of planner, executor and monitor are followed with durable cursors. A fact is put into words
//! ([`facts`], [`message`]), led through the tree of routes ([`routing`]), and what results is written to the
//! [`outbox`] in one commit with the cursor. One worker per receiver sends it ([`send`]): a log line, or a signed HTTP
//! request through the filter of outgoing addresses ([`bellwether_egress`]).
//!
//! # What survives
//! Everything. A request that was under way when the process died is sent again with the same id.
//!
//! [`build`] makes a [`Service`] that a process registers with its server; [`serve`] is the whole of a process;
//! [`assemble`] puts one together from parts, for simulations and tests.

mod api;
mod config;
mod convert;
pub mod facts;
mod follow;
pub mod message;
mod metrics;
pub mod outbox;
pub mod routing;
pub mod send;
mod service;

pub use api::REASONS;
pub use bellwether_egress as egress;
pub use config::{Config, NotifierArgs};
pub use follow::Sources;
pub use metrics::NotifierMetrics;
pub use service::{GRPC_NAME, NAME, Parts, Service, assemble, build, serve};
