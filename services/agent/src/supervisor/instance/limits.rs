//! Limits of an instance, where the system has them.

use std::io;

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::group::{self, Group, Kind};
use crate::supervisor::wish::Limits;

/// Sets the limits of a process that was just started. What it has started itself before that, within its first
/// milliseconds, is not limited.
///
/// # Errors
/// The system has no such limit, or this process may not set it; for people.
pub fn set(limits: Limits, id: &str, pid: i32) -> Result<(), String> {
    if limits.open_files > 0 {
        let limit = Rlimit { current: Some(limits.open_files), maximum: Some(limits.open_files) };
        prlimit(Pid::from_raw(pid), Resource::Nofile, limit)
            .map_err(|error| format!("open files cannot be limited: {error}"))?;
    }
    if limits.memory_bytes > 0 {
        group(Kind::Memory, id, pid, |group| group.limit_memory(limits.memory_bytes))
            .map_err(|error| format!("memory cannot be limited on this host: {error}"))?;
    }
    if limits.cpu_cores > 0.0 {
        group(Kind::Cpu, id, pid, |group| group.limit_cpu(limits.cpu_cores))
            .map_err(|error| format!("CPU cannot be limited on this host: {error}"))?;
    }
    Ok(())
}

/// How many processes of an instance the system has ended because of its limit of memory, since the group was made.
pub fn killed_for_memory(id: &str) -> u64 {
    Group::of(Kind::Memory, id).map_or(0, |group| group.killed_for_memory())
}

/// Removes what was made for an instance that has ended.
pub fn remove(id: &str) {
    group::KINDS.into_iter().filter_map(|kind| Group::of(kind, id).ok()).for_each(|group| group.remove());
}

fn group(kind: Kind, id: &str, pid: i32, limit: impl FnOnce(&Group) -> io::Result<()>) -> io::Result<()> {
    let group = Group::of(kind, id)?;
    group.make()?;
    limit(&group)?;
    group.enter(pid)
}
