//! The active analyses, by name and by target.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use crate::running::Running;

/// All of them.
#[derive(Debug, Default)]
pub struct Registry(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    by_name: HashMap<Arc<str>, Arc<Running>>,
    by_target: HashMap<Arc<str>, Vec<Arc<Running>>>,
    /// Names of those that have been removed.
    gone: Vec<Arc<str>>,
}

// === impl Registry ===

impl Registry {
    /// Adds one, unless one of its name is there already; the one that is there.
    pub fn add(&self, running: Arc<Running>) -> Arc<Running> {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(present) = tables.by_name.get(&running.name) {
            return present.clone();
        }
        tables.by_name.insert(running.name.clone(), running.clone());
        tables.by_target.entry(running.target.clone()).or_default().push(running.clone());
        running
    }

    /// Removes the one of this name.
    pub fn remove(&self, name: &str) {
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(gone) = tables.by_name.remove(name) else { return };
        tables.gone.push(gone.name.clone());
        if let Some(of_target) = tables.by_target.get_mut(&gone.target) {
            of_target.retain(|running| running.name != gone.name);
            if of_target.is_empty() {
                tables.by_target.remove(&gone.target);
            }
        }
    }

    /// The names of those that have been removed since the last call.
    pub fn gone(&self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.0.write().unwrap_or_else(PoisonError::into_inner).gone)
    }

    /// The one of this name.
    pub fn get(&self, name: &str) -> Option<Arc<Running>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_name.get(name).cloned()
    }

    /// Those of a target.
    pub fn of_target(&self, target: &str) -> Vec<Arc<Running>> {
        let tables = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tables.by_target.get(target).cloned().unwrap_or_default()
    }

    /// All of them.
    pub fn all(&self) -> Vec<Arc<Running>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).by_name.values().cloned().collect()
    }
}
