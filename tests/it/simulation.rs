//! Everything on a simulated network that is cut, held up and slow, while hosts crash: each seed in a process of its own
//! (`simulate`), which checks what must be true in between and at the end. More seeds: `simulate --seed N`, `.ci/run`.

use std::{path::Path, process::Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_simulate");
/// Seeds that run every time.
const SEEDS: [u64; 3] = [1, 2, 3];

/// Runs a seed; what it says where it fails begins with `SEED=`, to run it again.
fn simulate(seed: u64, trace: Option<&Path>) {
    let mut command = Command::new(PROGRAM);
    command.args(["--seed", &seed.to_string()]);
    if let Some(trace) = trace {
        command.arg("--trace").arg(trace);
    }
    let output = command.output().unwrap();
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "SEED={seed}\n{said}{errors}");
    assert!(said.starts_with(&format!("SEED={seed}\n")), "{said}");
}

#[test]
fn x04_x09_whatever_fails_everything_comes_to_the_right_end() {
    for seed in SEEDS {
        simulate(seed, None);
    }
}

#[test]
fn a_seed_repeats_to_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    simulate(SEEDS[0], Some(&one));
    simulate(SEEDS[0], Some(&other));
    let (one, other) = (std::fs::read_to_string(one).unwrap(), std::fs::read_to_string(other).unwrap());
    let differs = one.lines().zip(other.lines()).enumerate().find(|(_, (a, b))| a != b);
    assert!(one == other, "they differ from line {differs:#?} on");
    assert!(one.lines().count() > 1_000 && one.contains("Crash("), "much happened");
}
