//! Which process exactly: a pid alone is reused.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use super::system::{boot_id, stat};

/// One process, for ever: no other has the same pid, start time and boot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Its pid, which is also that of its process group.
    pub pid: i32,
    /// When it was started, in ticks since boot.
    pub start_ticks: u64,
    /// The boot of the host.
    pub boot_id: String,
}

// === impl Identity ===

impl Identity {
    /// That of a process that now runs.
    pub fn of(pid: i32) -> Option<Self> {
        let start_ticks = stat(pid)?.start_ticks;
        Some(Self { pid, start_ticks, boot_id: boot_id().to_owned() })
    }

    /// Whether it still runs. One that has ended and was not waited for does not.
    pub fn is_alive(&self) -> bool {
        let same = |stat: super::system::Stat| stat.start_ticks == self.start_ticks && stat.state != 'Z';
        self.boot_id == boot_id() && stat(self.pid).is_some_and(same)
    }

    /// Sends a signal to it, if it still runs.
    pub fn signal(&self, signal: Signal) {
        if let (true, Some(pid)) = (self.is_alive(), Pid::from_raw(self.pid)) {
            // it may end between the look and the call
            let _ = kill_process(pid, signal);
        }
    }

    /// Sends a signal to it and to everything that it has started.
    pub fn signal_group(&self, signal: Signal) {
        if let (true, Some(pid)) = (self.boot_id == boot_id(), Pid::from_raw(self.pid)) {
            let _ = kill_process_group(pid, signal);
        }
    }
}
