//! Stores and Watches over real journals.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod counter;
mod store;
mod view;
mod watch;
