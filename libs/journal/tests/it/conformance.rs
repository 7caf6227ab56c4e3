//! Both journals pass the kit.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bellwether_clock::Env;
use bellwether_journal::{
    Journal, Lease, MemoryJournal, MemoryStore, Options, SqliteJournal, conformance, kit::Subject,
};
use tempfile::TempDir;

struct Memory(MemoryStore);

#[async_trait]
impl Subject for Memory {
    async fn open(&self) -> Arc<dyn Journal> {
        Arc::new(MemoryJournal::open(&self.0, Options::new(Env::system())))
    }

    async fn take_over(&self) -> Arc<dyn Journal> {
        self.open().await
    }
}

struct Sqlite(TempDir);

impl Sqlite {
    async fn with(&self, standby: bool) -> Arc<dyn Journal> {
        // never renewed: its owner looks stopped once the lease is over
        let lease = Lease { length: Duration::from_secs(2), renew: Duration::from_secs(3600) };
        let options = Options { standby, lease, ballast_bytes: 0, ..Options::new(Env::system()) };
        Arc::new(SqliteJournal::open(&self.0.path().join("journal.db"), options).await.unwrap())
    }
}

#[async_trait]
impl Subject for Sqlite {
    async fn open(&self) -> Arc<dyn Journal> {
        self.with(false).await
    }

    async fn take_over(&self) -> Arc<dyn Journal> {
        self.with(true).await
    }
}

mod memory {
    use super::*;

    conformance!(async { Memory(MemoryStore::new(&Env::system())) });
}

mod sqlite {
    use super::*;

    conformance!(async { Sqlite(tempfile::tempdir().unwrap()) });
}
