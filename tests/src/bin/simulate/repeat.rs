//! Makes a run repeatable. The standard library's hash maps and Tokio's scheduler draw from the system's randomness, HTTP/2
//! reads the system's clock, and nothing in safe Rust can replace either; so the program starts itself once more with
//! others.

use std::{
    env,
    path::Path,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, ensure};

const SOURCE: &str = include_str!("system.c");
/// Set where they are replaced.
const REPLACED: &str = "SIMULATION_IS_REPEATABLE";

/// Starts this very program again with randomness and a clock that are always the same; none: this is that program.
///
/// # Errors
/// There is no C compiler (`CC`, or `cc`).
pub(crate) fn repeatable() -> anyhow::Result<Option<ExitCode>> {
    if env::var_os(REPLACED).is_some() {
        return Ok(None);
    }
    let dir = tempfile::tempdir()?;
    let library = compile(dir.path())?;
    let status = Command::new(env::current_exe()?)
        .args(env::args_os().skip(1))
        .env("LD_PRELOAD", library)
        .env(REPLACED, "1")
        .status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(Some(ExitCode::from(code)))
}

fn compile(dir: &Path) -> anyhow::Result<std::path::PathBuf> {
    let (source, library) = (dir.join("system.c"), dir.join("system.so"));
    std::fs::write(&source, SOURCE)?;
    let compiler = env::var_os("CC").unwrap_or_else(|| "cc".into());
    let mut command = Command::new(&compiler);
    command.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source);
    let compiled = command.status().with_context(|| format!("{} cannot be run", compiler.display()))?;
    ensure!(compiled.success(), "the stand-ins for the system cannot be compiled");
    Ok(library)
}
