//! What happened, line by line: the same for the same seed, to the byte.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
};

/// The lines so far. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<String>>);

// === impl Trace ===

impl Trace {
    /// Adds a line: when, who, what.
    pub(crate) fn line(&self, who: &str, what: impl Display) {
        let at = turmoil::sim_elapsed().unwrap_or_default();
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push_str(&format!("{:>12.6} {who:<10} {what}\n", at.as_secs_f64()));
    }

    /// All lines.
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// JSON whose order of fields does not depend on the order in which a map was filled.
pub(crate) fn canonical(json: &[u8]) -> String {
    match serde_json::from_slice::<serde_json::Value>(json) {
        Ok(value) => value.to_string(),
        Err(_) => format!("{} bytes", json.len()),
    }
}
