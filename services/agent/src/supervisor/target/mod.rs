//! One target: what it should be, what it is, and the way from one to the other.

mod adopt;
mod commands;
mod drain;
mod error;
mod file;
mod observed;
mod pass;
mod plan;
mod table;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use bellwether_clock::Timestamp;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

pub use error::TargetError;
pub use file::File;
pub use observed::{InstanceView, Observed};

use super::{
    instance::{Context, Handle, Log, Past, Problem, past_of},
    routing::Gateway,
};
use crate::{control::TargetStatus, gateway};

/// One target. Its task looks at everything each time it is woken, and goes one way for good days and bad.
#[derive(Debug)]
pub struct Target {
    name: String,
    path: PathBuf,
    context: Arc<Context>,
    gateway: Arc<Gateway>,
    state: Mutex<State>,
    observed: watch::Sender<Observed>,
}

#[derive(Debug, Default)]
struct State {
    /// What lies on disk.
    file: File,
    /// Why what lies on disk cannot be read, where it cannot: then `file` is not it, and nothing follows from it.
    unreadable: Option<String>,
    instances: BTreeMap<Uuid, Handle>,
    /// Instances on their way out, and when what is open on them is cut.
    retiring: BTreeMap<Uuid, Timestamp>,
    /// What the gateway was last told.
    pushed: Option<gateway::Target>,
    /// What it read back then.
    confirmed: Option<TargetStatus>,
    /// The newest generation that was applied as a whole.
    applied: i64,
    /// The newest generation whose route was applied.
    route_applied: i64,
    /// Instances that the gateway has been told of.
    known: BTreeSet<Uuid>,
    /// Requests that a drain's deadline cut, by instance.
    cut: BTreeMap<Uuid, u64>,
    /// Fleets whose drain is over.
    drained: BTreeSet<String>,
    /// What stands in the way of the target as a whole.
    problem: Option<Problem>,
    /// Everything that stands in the way, with its time, as it was last told.
    problems: Vec<Problem>,
    /// Everything is being ended: nothing is started any more.
    ending: bool,
}

// === impl Target ===

impl Target {
    /// Its name, `targets/<application>@<environment>`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it is, and each change of that.
    pub fn watch(&self) -> watch::Receiver<Observed> {
        self.observed.subscribe()
    }

    /// What it is.
    pub fn observe(&self) -> Observed {
        self.observed.borrow().clone()
    }

    /// The logs of its instances, with their ids and fleets.
    pub async fn logs(&self) -> Vec<(Uuid, String, Log)> {
        let state = self.state.lock().await;
        let instances = state.instances.values().map(|handle| &handle.record);
        let log = |id| Log::new(&self.context.logs, id);
        instances.map(|record| (record.id, record.fleet.clone(), log(record.id))).collect()
    }

    /// The output of its instances that are gone, the newest last.
    pub fn past_logs(&self) -> Vec<Past> {
        past_of(&self.context.logs, &self.name)
    }

    /// Ends every instance, each after its grace.
    pub async fn end(&self) {
        let mut state = self.state.lock().await;
        state.ending = true;
        state.instances.values_mut().for_each(Handle::stop);
        for handle in state.instances.values_mut() {
            handle.gone().await;
        }
    }

    /// The uploaded artifacts that its instances run or will run.
    pub async fn artifacts(&self) -> BTreeSet<String> {
        let state = self.state.lock().await;
        let wished = state.file.wish.fleets.iter().map(|fleet| &fleet.spec);
        let specs = wished.chain(state.instances.values().map(|handle| &handle.record.spec));
        specs.filter_map(|spec| Some(spec.artifact.as_ref()?.digest.clone())).collect()
    }
}

/// Whether this is the name of a target: then it is also safe as a file's name.
pub fn is_name(name: &str) -> bool {
    let id = |id: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        id.len() <= 63 && id.starts_with(|first: char| first.is_ascii_lowercase()) && id.bytes().all(plain)
    };
    let parts = name.strip_prefix("targets/").and_then(|name| name.split_once('@'));
    parts.is_some_and(|(application, environment)| id(application) && id(environment))
}

/// The file of a target, in the directory of targets.
fn file_name(name: &str) -> String {
    format!("{}.json", name.strip_prefix("targets/").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        assert!(is_name("targets/shop@production"));
        for name in [
            "shop@production",
            "targets/shop",
            "targets/../x@y",
            "targets/Shop@y",
            "targets/a@",
            "targets/a@b/c",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
