//! The calls.

mod list;
mod service;
mod wait;
mod watch;

pub(crate) use service::PlannerApi;
