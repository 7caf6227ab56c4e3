//! The rows as tables for people (Markdown).

use std::fmt::Write as _;

use super::rows::{RULES, Row};

/// All tables.
pub fn markdown(rows: &[Row]) -> String {
    let mut text = String::from("### False alarms within an hour, % of equal streams\n\n");
    text += &table(
        rows,
        |row| row.onset.is_none(),
        |row| format!("{:.2}", row.false_alarm_percent().unwrap_or_default()),
    );
    for (onset, title) in [(0, "from the beginning"), (super::cases::LATE, "after 20 minutes")] {
        let _ = write!(text, "\n### Delay to FAIL, s: median / 95 % (faults {title})\n\n");
        text += &table(rows, |row| row.onset == Some(onset), delays);
    }
    text
}

/// Median and 95 %; where fewer were seen, how many.
fn delays(row: &Row) -> String {
    let share = row.detected_percent().unwrap_or_default();
    match (row.delay(0.5), row.delay(0.95)) {
        (Some(p50), Some(p95)) => format!("{p50} / {p95}"),
        (Some(p50), None) => format!("{p50} / – ({share:.0} %)"),
        (None, _) if share > 0.0 => format!("– ({share:.1} %)"),
        (None, _) => "never".to_owned(),
    }
}

fn table(rows: &[Row], wanted: impl Fn(&Row) -> bool, cell: impl Fn(&Row) -> String) -> String {
    let mut text =
        format!("| case | requests/s | {} |\n|---|---|{}\n", RULES.join(" | "), "---|".repeat(RULES.len()));
    let wanted: Vec<&Row> = rows.iter().filter(|row| wanted(row)).collect();
    for of_case in wanted.chunks(RULES.len()) {
        let Some(first) = of_case.first() else { continue };
        let cells: Vec<String> = of_case.iter().map(|row| cell(row)).collect();
        let _ = writeln!(text, "| {} | {} | {} |", first.case, first.rps, cells.join(" | "));
    }
    text
}
