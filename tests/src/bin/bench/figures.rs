//! What a benchmark found.

use std::fs;

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::run::Run;

/// Figures under their names, and what people are told beside them.
#[derive(Debug, Default)]
pub struct Figures {
    values: Map<String, Value>,
    goals: Vec<(String, bool)>,
    notes: Vec<String>,
}

// === impl Figures ===

impl Figures {
    /// A number.
    pub fn number(&mut self, name: &str, value: f64) {
        self.values.insert(name.to_owned(), rounded(value));
    }

    /// Numbers under one name, e.g. percentiles.
    pub fn numbers(&mut self, name: &str, parts: &[(&str, f64)]) {
        let parts = parts.iter().map(|(part, value)| ((*part).to_owned(), rounded(*value))).collect();
        self.values.insert(name.to_owned(), Value::Object(parts));
    }

    /// Rows, for programs; the benchmark prints them itself.
    pub fn list(&mut self, name: &str, rows: Vec<Value>) {
        self.values.insert(name.to_owned(), Value::Array(rows));
    }

    /// A goal, and whether it was met.
    pub fn goal(&mut self, goal: &str, met: bool) {
        self.goals.push((goal.to_owned(), met));
    }

    /// Something beside the figures.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// As a table on standard output.
    pub fn print(&self, name: &str) {
        for (figure, value) in &self.values {
            match value {
                Value::Object(parts) => {
                    parts.iter().for_each(|(part, value)| row(name, &format!("{figure} {part}"), value));
                }
                Value::Array(_) => {}
                value => row(name, figure, value),
            }
        }
        for (goal, met) in &self.goals {
            println!("{name:<15} {} {goal}", if *met { "met:   " } else { "MISSED:" });
        }
        self.notes.iter().for_each(|note| println!("{name:<15} {note}"));
    }

    /// Into `target/bench/NAME.json`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, name: &str, run: &Run) -> anyhow::Result<()> {
        let path = run.directory.join(format!("{name}.json"));
        let report = json!({"name": name, "machine": run.machine, "figures": self.values});
        let text = format!("{report:#}\n");
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn row(name: &str, figure: &str, value: &Value) {
    println!("{name:<15} {figure:<32} {value:>12}");
}

/// Three decimals: more is noise.
fn rounded(value: f64) -> Value {
    json!((value * 1000.0).round() / 1000.0)
}
