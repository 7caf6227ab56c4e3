//! What the system tells about processes (`/proc`).

use std::{fs, sync::LazyLock};

/// What is known of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// `R`, `S`, `Z`…
    pub(super) state: char,
    /// When it was started, in ticks since boot.
    pub(super) start_ticks: u64,
}

/// Changes with each boot of the host; empty where the system does not tell.
pub fn boot_id() -> &'static str {
    static BOOT_ID: LazyLock<String> = LazyLock::new(|| {
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.trim().to_owned()
    });
    &BOOT_ID
}

/// A process with this variable in the environment that it was started with.
pub fn find_by_environment(name: &str, value: &str) -> Option<i32> {
    let wanted = format!("{name}={value}").into_bytes();
    let pids = fs::read_dir("/proc").ok()?.flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.find(|pid| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted)
    })
}

/// What is known of a process; none: it is gone.
pub(super) fn stat(pid: i32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// `man 5 proc`: pid, name in brackets (which may hold anything), state; the start time is the 22nd field.
fn parse(stat: &str) -> Option<Stat> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some(Stat { state, start_ticks: fields.nth(18)?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1 1";
        assert_eq!(parse(line), Some(Stat { state: 'S', start_ticks: 4242 }));
        assert_eq!(parse("7 (a"), None);
    }

    #[test]
    fn this_process_is_there() {
        let pid = i32::try_from(std::process::id()).unwrap();
        assert!(stat(pid).unwrap().start_ticks > 0);
        let (name, value) = std::env::vars().find(|(_, value)| value.len() > 3).unwrap();
        assert!(find_by_environment(&name, &value).is_some());
    }
}
