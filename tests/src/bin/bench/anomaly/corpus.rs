//! Labelled series as NAB lays them out.

use std::{collections::BTreeMap, fs, ops::RangeInclusive, path::Path};

use anyhow::{Context as _, ensure};
use bellwether_clock::Timestamp;

/// One series.
pub struct Series {
    /// When each value was measured.
    pub times: Vec<Timestamp>,
    /// What was measured.
    pub values: Vec<f64>,
    /// Where it was anomalous, by index, in order.
    pub windows: Vec<RangeInclusive<usize>>,
}

/// All series that `windows.json` names.
///
/// # Errors
/// When a file is missing or none of its kind.
pub fn read(directory: &Path) -> anyhow::Result<Vec<Series>> {
    let path = directory.join("windows.json");
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let windows: BTreeMap<String, Vec<[String; 2]>> = serde_json::from_str(&text)?;
    ensure!(!windows.is_empty(), "{} names no series", path.display());
    windows.iter().map(|(name, windows)| series(&directory.join("data").join(name), windows)).collect()
}

fn series(path: &Path, windows: &[[String; 2]]) -> anyhow::Result<Series> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        let (at, value) = line.split_once(',').with_context(|| format!("{line:?} is no record"))?;
        times.push(time(at)?);
        values.push(value.trim().parse().with_context(|| format!("{value:?} is no number"))?);
    }
    let place = |[first, last]: &[String; 2]| {
        let (first, last) = (time(first)?, time(last)?);
        let from = times.partition_point(|at| *at < first);
        let past = times.partition_point(|at| *at <= last);
        ensure!(from < past, "a window of {} holds no record", path.display());
        Ok(from..=past - 1)
    };
    let windows = windows.iter().map(place).collect::<anyhow::Result<_>>()?;
    Ok(Series { times, values, windows })
}

/// `2014-04-10 07:15:00`, with or without fractions, taken as UTC.
fn time(text: &str) -> anyhow::Result<Timestamp> {
    let stamp = format!("{}Z", text.trim().replacen(' ', "T", 1));
    stamp.parse().with_context(|| format!("{text:?} is no time"))
}
