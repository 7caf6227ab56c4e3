//! `bellwether` itself, under a name that the tests of this crate can find.

use std::process::ExitCode;

fn main() -> ExitCode {
    bellwether::main()
}
