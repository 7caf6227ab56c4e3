//! The executor: carries rollouts out, durably, and takes them back.

mod convert;
mod hooks;
mod monitor;
mod record;
mod targets;
