//! The same measure without the scheduler: everything that takes part goes before everything else and runs until it
//! waits (SCHED_RR), and whoever is woken finds a free core at once.
//!
//! Load, gateway and instances, which would be three machines, share the cores of one here. By default the system lets
//! whoever runs go on for some milliseconds while another waits, and that is most of what is measured beyond the median.

use std::{
    collections::HashSet,
    fs,
    process::{Command, Stdio},
};

/// As long as it lives this process and all that it started are scheduled first.
pub struct Undisturbed(HashSet<u32>);

// === impl Undisturbed ===

impl Undisturbed {
    /// None where `chrt` is not installed, or the system does not let us.
    pub fn begin() -> Option<Self> {
        let all = family(std::process::id());
        let begun = Self(all);
        // one that is refused leaves nothing half done: `begun` puts the others back
        begun.0.iter().all(|pid| schedule(*pid, "--rr", "1")).then_some(begun)
    }
}

impl Drop for Undisturbed {
    fn drop(&mut self) {
        for pid in &self.0 {
            schedule(*pid, "--other", "0");
        }
    }
}

/// All threads of a process; those that they start inherit it.
fn schedule(pid: u32, policy: &str, priority: &str) -> bool {
    let mut chrt = Command::new("chrt");
    chrt.args(["--all-tasks", policy, "--pid", priority, &pid.to_string()]);
    chrt.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// A process and all below it.
fn family(of: u32) -> HashSet<u32> {
    let pids = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parents: Vec<(u32, u32)> = pids.filter_map(|pid| Some((pid, parent(pid)?))).collect();
    let mut family = HashSet::from([of]);
    loop {
        let before = family.len();
        let children = parents.iter().filter(|(_, parent)| family.contains(parent)).map(|(pid, _)| *pid);
        family.extend(children.collect::<Vec<_>>());
        if family.len() == before {
            return family;
        }
    }
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // behind the name, which may hold anything: the state, then the parent
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_process_and_all_below_it() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (own, childs) = (std::process::id(), child.id());
        assert_eq!(parent(childs), Some(own));
        let family = family(own);
        assert!(family.contains(&own) && family.contains(&childs) && !family.contains(&1), "{family:?}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
