//! The processes of an application's instances.

use rustix::process::Signal;

use super::App;
use crate::process::signal_id;

// === impl App ===

impl App<'_> {
    /// The processes that serve, or will, of a fleet; empty: of all fleets of its target on this stack.
    ///
    /// # Panics
    /// When the system does not say where instances of the stack may be.
    pub fn processes(&self, fleet: &str) -> Vec<u32> {
        let wanted = match fleet {
            "" => format!("BELLWETHER_TARGET={}", self.target_name()),
            fleet => format!("BELLWETHER_FLEET={fleet}"),
        };
        // another stack may have a target of the same name
        let addresses = self.stack.instance_addresses().unwrap_or_else(|error| panic!("{error}"));
        let ports: Vec<String> = addresses.iter().map(|it| format!("PORT={}", it.port())).collect();
        let own = |id: &u32| has_any(*id, "environ", &ports);
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let found = ids.filter(|id| has(*id, "environ", &wanted) && has(*id, "cmdline", "demo-shop"));
        found.filter(own).collect()
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
    has_any(id, file, &[part.to_owned()])
}

/// Whether it has any of these parts.
fn has_any(id: u32, file: &str, parts: &[String]) -> bool {
    let bytes = std::fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    bytes.split(|byte| *byte == 0).any(|it| parts.iter().any(|part| it == part.as_bytes()))
}
