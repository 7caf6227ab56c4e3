//! What every benchmark is given.

use std::{fs, path::PathBuf};

use anyhow::Context as _;
use bellwether_clock::Env;

/// One run of a benchmark.
pub struct Run {
    /// Less of everything.
    pub reduced: bool,
    /// The time.
    pub env: Env,
    /// The program under test: this one.
    pub program: String,
    /// Where results go, on the disk that is measured.
    pub directory: PathBuf,
    /// What it ran on, for people.
    pub machine: String,
}

// === impl Run ===

impl Run {
    /// A run in `target/bench`.
    ///
    /// # Errors
    /// When that directory cannot be made, or this program cannot be found.
    pub fn new(reduced: bool) -> anyhow::Result<Self> {
        let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench"));
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let program = std::env::current_exe()?;
        let program = program.to_str().context("the program's path is not UTF-8")?.to_owned();
        Ok(Self { reduced, env: Env::system(), program, directory, machine: machine(reduced) })
    }

    /// This many in full, that many in the reduced form.
    pub fn pick<T>(&self, full: T, reduced: T) -> T {
        if self.reduced { reduced } else { full }
    }
}

/// Processor, cores, memory, system, how busy it was before, and how this was built.
fn machine(reduced: bool) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let first = |file: &str, key: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.trim_start_matches(key).trim_start_matches([' ', '\t', ':']).trim().to_owned()
    };
    let processor = first("/proc/cpuinfo", "model name");
    let kernel = first("/proc/sys/kernel/osrelease", "");
    let kib: u64 = first("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or(0);
    let load = first("/proc/loadavg", "").split(' ').next().unwrap_or_default().to_owned();
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let form = if reduced { ", reduced" } else { "" };
    let memory = kib / 1024;
    format!(
        "{processor}, {cores} cores, {memory} MiB, Linux {kernel}, load {load} before, {build} build{form}"
    )
}
