//! The processes of an application's instances.

use rustix::process::Signal;

use super::App;
use crate::process::signal_id;

// === impl App ===

impl App<'_> {
    /// The processes that serve, or will, of a fleet; empty: of all fleets.
    pub fn processes(&self, fleet: &str) -> Vec<u32> {
        let wanted = match fleet {
            "" => format!("BELLWETHER_TARGET={}", self.target_name()),
            fleet => format!("BELLWETHER_FLEET={fleet}"),
        };
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter(|id| has(*id, "environ", &wanted) && has(*id, "cmdline", "demo-shop")).collect()
    }

    /// Whether every process of a fleet has this environment variable.
    pub fn all_have(&self, fleet: &str, variable: &str) -> bool {
        let all = self.processes(fleet);
        !all.is_empty() && all.into_iter().all(|id| has(id, "environ", variable))
    }

    /// Sends a signal to every process of a fleet.
    ///
    /// # Errors
    /// When one is gone.
    pub fn signal(&self, fleet: &str, signal: Signal) -> anyhow::Result<()> {
        self.processes(fleet).into_iter().try_for_each(|id| signal_id(id, signal))
    }
}

/// Whether a file of a process, whose parts end with a zero byte, has this part.
fn has(id: u32, file: &str, part: &str) -> bool {
    let bytes = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).any(|it| it == part.as_bytes())
}
