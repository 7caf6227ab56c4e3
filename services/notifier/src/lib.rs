//! The notifier: facts of the other services become deliveries.

mod api;
mod convert;
pub mod egress;
pub mod facts;
pub mod message;
pub mod outbox;
pub mod routing;
pub mod send;
