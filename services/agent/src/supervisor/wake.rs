//! Wakes the tasks that look after targets. A wake-up carries nothing: who is woken looks at everything.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Notify;

/// The wake-ups of all targets.
#[derive(Debug, Default)]
pub struct Wake(Mutex<HashMap<String, Arc<Notify>>>);

// === impl Wake ===

impl Wake {
    /// Wakes the one who looks after a target.
    pub fn wake(&self, target: &str) {
        self.of(target).notify_one();
    }

    /// Wakes everybody.
    pub fn wake_all(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|wake| wake.notify_one());
    }

    /// What a target's task waits for.
    pub fn of(&self, target: &str) -> Arc<Notify> {
        let mut wakes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wakes.entry(target.to_owned()).or_default().clone()
    }
}
