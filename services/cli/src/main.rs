//! The command people type; hosts the four services in one process (`bellwether up`).

mod yaml;

fn main() {}
