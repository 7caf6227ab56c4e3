//! What processes take, as the system counts it.

use std::fs;

use anyhow::Context as _;

const MIB: f64 = 1024.0;

/// Memory of a process in MiB.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    /// Resident, each process counted in full.
    pub resident: f64,
    /// Resident, pages that several processes share divided among them.
    pub proportional: f64,
}

/// Reads `/proc/<id>/smaps_rollup`.
///
/// # Errors
/// When the process is gone.
pub fn memory(id: u32) -> anyhow::Result<Memory> {
    let text = read(id, "smaps_rollup")?;
    Ok(Memory { resident: kib(&text, "Rss:")? / MIB, proportional: kib(&text, "Pss:")? / MIB })
}

/// What is resident now, in MiB.
///
/// # Errors
/// When the process is gone.
pub fn resident(id: u32) -> anyhow::Result<f64> {
    Ok(memory(id)?.resident)
}

/// The most that was resident at a time, in MiB.
///
/// # Errors
/// When the process is gone.
pub fn peak_resident(id: u32) -> anyhow::Result<f64> {
    Ok(kib(&read(id, "status")?, "VmHWM:")? / MIB)
}

/// Processor time in seconds, of all threads, in user and system mode.
///
/// # Errors
/// When the process is gone.
pub fn cpu_seconds(id: u32) -> anyhow::Result<f64> {
    let stat = fields(id)?;
    let ticks = |index: usize| stat.get(index).and_then(|text| text.parse::<u64>().ok());
    let (user, system) = ticks(11).zip(ticks(12)).context("/proc has no times")?;
    Ok((user + system) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// The processes that this one has started.
///
/// # Errors
/// When `/proc` cannot be read.
pub fn children(id: u32) -> anyhow::Result<Vec<u32>> {
    let all = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |other: &u32| {
        let parent = fields(*other).ok().and_then(|stat| stat.get(1)?.parse().ok());
        parent == Some(id)
    };
    Ok(all.filter(is_child).collect())
}

/// The fields of `/proc/<id>/stat` from the state on: the name before them may hold anything.
fn fields(id: u32) -> anyhow::Result<Vec<String>> {
    let stat = read(id, "stat")?;
    let (_, rest) = stat.rsplit_once(") ").context("/proc has no such line")?;
    Ok(rest.split(' ').map(str::to_owned).collect())
}

fn read(id: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{id}/{file}");
    fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))
}

fn kib(text: &str, key: &str) -> anyhow::Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let value = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    value.with_context(|| format!("/proc has no {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let id = std::process::id();
        let memory = memory(id).unwrap();
        assert!(memory.resident >= memory.proportional && memory.proportional > 0.5, "{memory:?}");
        assert!(peak_resident(id).unwrap() >= 0.9 * memory.resident);
        assert!(cpu_seconds(id).unwrap() < 1000.0);
        let parent: u32 = fields(id).unwrap()[1].parse().unwrap();
        assert!(children(parent).unwrap().contains(&id));
    }
}
