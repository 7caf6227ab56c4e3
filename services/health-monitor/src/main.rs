//! The health-monitor as a process of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    bellwether_health_monitor::main(std::env::args_os())
}
