//! The command people type; see the library for what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    bellwether::main()
}
