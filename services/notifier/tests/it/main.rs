//! The notifier against a real HTTP server that behaves well, and badly.

mod cdevents;
mod delivering;
mod receiver;
mod refusing;
mod rig;
mod signing;
