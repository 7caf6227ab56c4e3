//! What people and programs see: tables and colours on a terminal, JSON and YAML for the rest.

pub mod checks;
pub mod fact;
pub mod impact;
pub mod plan;
pub mod plot;
pub mod problem;
pub mod release;
pub mod rollout;
pub mod style;
pub mod target;

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// The messages' canonical JSON form.
    Json,
    /// The same as YAML.
    Yaml,
}

/// Prints a message: as JSON or YAML, or as `table` does it.
///
/// # Errors
/// When standard output cannot be written.
pub fn print<M: Serialize>(
    format: Format,
    message: &M,
    table: impl FnOnce(&M) -> String,
) -> anyhow::Result<()> {
    let text = match format {
        Format::Table => table(message),
        Format::Json => serde_json::to_string_pretty(message)?,
        Format::Yaml => serde_saphyr::to_string(&serde_json::to_value(message)?)?,
    };
    line(text.trim_end())
}

/// Prints a line. A closed pipe (`| head`) is no error.
///
/// # Errors
/// Any other failure to write.
pub fn line(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tells a person something beside the result. Where nobody reads standard error any more (`2>&1 | head`), nothing is lost.
pub fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether standard output is a terminal that wants colours.
pub fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A table without lines, as `kubectl` prints them.
pub fn table<const N: usize>(header: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    for row in rows {
        table.add_row(row);
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}
