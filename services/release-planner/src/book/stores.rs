//! The journal's streams, one store per kind.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_clock::Env;
use bellwether_journal::Journal;
use bellwether_resource::{Aggregate, Entry, LoadError, Store};

use super::{Applications, Book, Environments, Holds, Releases};

/// All stores of the planner, over one journal.
#[derive(Clone, Debug)]
pub(crate) struct Stores {
    pub(crate) applications: Store<Applications>,
    pub(crate) environments: Store<Environments>,
    pub(crate) releases: Store<Releases>,
    pub(crate) holds: Store<Holds>,
}

// === impl Stores ===

impl Stores {
    /// Replays everything.
    pub(crate) async fn load(journal: Arc<dyn Journal>, env: Env) -> Result<Self, LoadError> {
        Ok(Self {
            applications: Store::load(journal.clone(), env.clone()).await?,
            environments: Store::load(journal.clone(), env.clone()).await?,
            releases: Store::load(journal.clone(), env.clone()).await?,
            holds: Store::load(journal, env).await?,
        })
    }

    /// What is known now.
    pub(crate) fn book(&self) -> Book {
        let holds = self.holds.all();
        Book {
            applications: by_id(&self.applications),
            environments: by_id(&self.environments),
            releases: by_id(&self.releases),
            holds: holds.iter().filter_map(|entry| entry.state.clone()).collect(),
            known_holds: holds.iter().map(|entry| bare(entry).to_owned()).collect(),
        }
    }
}

/// All streams of a kind by what follows their prefix.
fn by_id<A: Aggregate, Id: for<'a> From<&'a str> + Ord>(store: &Store<A>) -> BTreeMap<Id, Arc<Entry<A>>> {
    store.all().into_iter().map(|entry| (Id::from(bare(&entry)), entry)).collect()
}

/// What follows the prefix in the stream's name.
fn bare<A: Aggregate>(entry: &Entry<A>) -> &str {
    entry.stream.strip_prefix(A::PREFIX).unwrap_or(&entry.stream)
}
