//! Every fuzz target over its kept corpus and over mutations of it. A panic is a failure; the input that led to it is
//! kept in `target/fuzz/`, and belongs into the corpus once it is understood. `FUZZ_ROUNDS` asks for more of them.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use bellwether_tests::{
    chance::Chance,
    fuzz::{TARGETS, Target},
};

/// Mutations of each file of a corpus.
const ROUNDS: u64 = 60;
/// What parsers tend to trip over.
const WORDS: [&[u8]; 12] = [
    b"\"",
    b"{",
    b"[",
    b"\\",
    b"\n",
    b"\0",
    b"-1",
    b"18446744073709551616",
    b"1e999",
    b"/",
    b"\xff\xfe",
    b"%00",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> =
        fs::read_dir(root().join("fuzz/corpus").join(name)).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

fn rounds() -> u64 {
    std::env::var("FUZZ_ROUNDS").ok().and_then(|it| it.parse().ok()).unwrap_or(ROUNDS)
}

/// One to four small changes.
fn mutate(data: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    for _ in 0..=chance.below(4) {
        let at = chance.below(data.len() + 1);
        let end = (at + chance.below(40)).min(data.len());
        match chance.below(7) {
            0 if at < data.len() => data[at] ^= 1 << chance.below(8),
            1 => drop(data.drain(at..end)),
            2 => data.truncate(at),
            3 => {
                let again = data[at..end].to_vec();
                data.splice(at..at, again);
            }
            4 if !other.is_empty() => {
                let from = chance.below(other.len());
                let to = (from + chance.below(60)).min(other.len());
                data.splice(at..end, other[from..to].iter().copied());
            }
            5 => data.insert(at, u8::try_from(chance.below(256)).unwrap()),
            _ => drop(data.splice(at..at, chance.one_of(&WORDS).iter().copied())),
        }
    }
}

fn run(name: &str, target: Target, data: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(data))).is_err() {
        panic!("{name} panics; its input is in {}", keep(name, data).display());
    }
}

fn keep(name: &str, data: &[u8]) -> PathBuf {
    let file = root().join("target/fuzz").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, data).unwrap();
    file
}

#[test]
fn no_input_makes_a_parser_panic() {
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "{name} has no corpus");
        let mut chance = Chance::new(1, name);
        for seed in &corpus {
            run(name, target, seed);
            for _ in 0..rounds() {
                let mut data = seed.clone();
                mutate(&mut data, chance.one_of(&corpus).as_slice(), &mut chance);
                run(name, target, &data);
            }
        }
    }
}

#[test]
fn every_target_is_one_of_cargo_fuzz_too() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let source = fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(source.contains(&format!("run(\"{name}\", data)")), "{name}");
    }
}
