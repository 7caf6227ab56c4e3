//! Limits of an instance, where the system has them.

use std::{fs, io, path::PathBuf};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::supervisor::wish::Limits;

/// Below this a control group is made for each limited instance (cgroup version 2, writable for this process).
const GROUPS: &str = "/sys/fs/cgroup/bellwether";
/// The period of `cpu.max`, in microseconds.
const CPU_PERIOD: f64 = 100_000.0;

/// Sets the limits of a process that was just started.
///
/// # Errors
/// The system has no such limit, or this process may not set it; for people.
pub fn set(limits: Limits, id: &str, pid: i32) -> Result<(), String> {
    if limits.open_files > 0 {
        let limit = Rlimit { current: Some(limits.open_files), maximum: Some(limits.open_files) };
        prlimit(Pid::from_raw(pid), Resource::Nofile, limit)
            .map_err(|error| format!("open files cannot be limited: {error}"))?;
    }
    if limits.memory_bytes > 0 || limits.cpu_cores > 0.0 {
        group(limits, id, pid)
            .map_err(|error| format!("memory and CPU cannot be limited on this host: {error}"))?;
    }
    Ok(())
}

/// Removes what was made for an instance that has ended.
pub fn remove(id: &str) {
    // there is none where nothing was limited
    let _ = fs::remove_dir(PathBuf::from(GROUPS).join(id));
}

fn group(limits: Limits, id: &str, pid: i32) -> io::Result<()> {
    let all = PathBuf::from(GROUPS);
    fs::create_dir_all(&all)?;
    for above in [all.parent(), Some(all.as_path())].into_iter().flatten() {
        fs::write(above.join("cgroup.subtree_control"), "+memory +cpu")?;
    }
    let group = all.join(id);
    fs::create_dir_all(&group)?;
    if limits.memory_bytes > 0 {
        fs::write(group.join("memory.max"), limits.memory_bytes.to_string())?;
    }
    if limits.cpu_cores > 0.0 {
        fs::write(group.join("cpu.max"), format!("{:.0} {CPU_PERIOD:.0}", limits.cpu_cores * CPU_PERIOD))?;
    }
    fs::write(group.join("cgroup.procs"), pid.to_string())
}
