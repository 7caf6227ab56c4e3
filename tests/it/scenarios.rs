//! Every scenario has a test under its number, and the table says where.

use std::{collections::BTreeSet, path::Path};

/// The table.
const TABLE: &str = "docs/scenarios.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The scenarios that there are.
fn all() -> BTreeSet<String> {
    let rollouts = (1..=51).map(|number| format!("R{number:02}"));
    let crashes = (1..=10).map(|number| format!("X{number:02}"));
    let contracts = (1..=9).map(|number| format!("C{number:02}"));
    ["R00a", "R00b"].map(str::to_owned).into_iter().chain(rollouts).chain(crashes).chain(contracts).collect()
}

/// `| R01 | where | test, test |`.
fn rows(table: &str) -> Vec<(String, Vec<(String, String)>)> {
    let lines = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| scenario"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let tests = cells[2].split(", ").map(|test| {
                let (place, name) =
                    test.trim_matches('`').rsplit_once("::").unwrap_or((test.trim_matches('`'), ""));
                (place.to_owned(), name.to_owned())
            });
            (cells[0].to_owned(), tests.collect())
        })
        .collect()
}

/// Whether a file of this directory defines this function.
fn defines(directory: &Path, name: &str) -> bool {
    let wanted = format!("fn {name}(");
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| match path.is_dir() {
        true => path.file_name().is_some_and(|name| name != "target") && defines(&path, name),
        false => {
            path.extension().is_some_and(|it| it == "rs")
                && std::fs::read_to_string(&path).is_ok_and(|text| text.contains(&wanted))
        }
    })
}

#[test]
fn every_scenario_has_its_tests() {
    let table = std::fs::read_to_string(root().join(TABLE)).unwrap();
    let rows = rows(&table);
    let named: BTreeSet<String> = rows.iter().map(|(scenario, _)| scenario.clone()).collect();
    assert_eq!(named, all(), "the table names every scenario");
    for (scenario, tests) in &rows {
        assert!(!tests.is_empty(), "{scenario}");
        for (place, name) in tests {
            if name.is_empty() {
                assert!(root().join(place).is_file(), "{scenario}: {place}");
                continue;
            }
            assert!(defines(&root().join(place), name), "{scenario}: {place} has no {name}");
            let number = scenario.to_ascii_lowercase();
            assert!(name.split('_').any(|word| word == number), "{scenario}: {name} does not say its number");
        }
    }
}
