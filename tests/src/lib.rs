//! What the black-box tests and benchmarks share: real processes, clients, the shop, waiting for conditions.

pub mod app;
pub mod chance;
pub mod fuzz;
pub mod hands;
pub mod hooks;
pub mod ports;
pub mod process;
pub mod prometheus;
pub mod receiver;
pub mod shop;
pub mod stack;
pub mod visit;
pub mod wait;
