//! A disk without space.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bellwether_journal::{
    Commit, CommitError, Committed, Epoch, EventRecord, Health, Journal, JournalId, ReadError, RequestRecord,
    Snapshot, StreamInfo, Trimmed,
};
use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use bytes::Bytes;
use pb::rollout::State;
use tokio::sync::watch;
use tonic::Code;

use super::{
    house::{House, SHOP, World, canary, direct, fleet, open},
    script::Script,
};

/// Takes urgent commits only while it is full, as a journal does that has given its ballast up.
struct Full {
    inner: Arc<dyn Journal>,
    full: AtomicBool,
}

#[async_trait]
impl Journal for Full {
    fn id(&self) -> JournalId {
        self.inner.id()
    }

    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }

    async fn commit(&self, commit: Commit) -> Result<Committed, CommitError> {
        if self.full.load(Ordering::SeqCst) && !commit.urgent {
            return Err(CommitError::DiskFull);
        }
        self.inner.commit(commit).await
    }

    async fn stream(&self, stream: &str, version: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.inner.stream(stream, version, limit).await
    }

    async fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        self.inner.feed(position, limit).await
    }

    async fn streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>, ReadError> {
        self.inner.streams(prefix, after, limit).await
    }

    async fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        self.inner.snapshot(stream).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, ReadError> {
        self.inner.get(key).await
    }

    async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, ReadError> {
        self.inner.scan(prefix, after, limit).await
    }

    async fn request(&self, scope: &str, id: &str) -> Result<Option<RequestRecord>, ReadError> {
        self.inner.request(scope, id).await
    }

    async fn horizon(&self) -> Result<u64, ReadError> {
        self.inner.horizon().await
    }

    fn head(&self) -> watch::Receiver<u64> {
        self.inner.head()
    }

    fn health(&self) -> watch::Receiver<Health> {
        self.inner.health()
    }

    fn lease_left(&self) -> Duration {
        self.inner.lease_left()
    }

    async fn trim(&self) -> Result<Trimmed, CommitError> {
        self.inner.trim().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

#[tokio::test]
async fn x07_a_full_disk_refuses_what_is_new_and_lets_a_release_be_taken_back() {
    let world = World::new(Script::new(None));
    let inner = open(&world.file(), &world.env).await;
    let full = Arc::new(Full { inner, full: AtomicBool::new(false) });
    let mut house = House::over(world, full.clone()).await;
    let before = house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.world.script.segment(&rollout.name, 1).await;
    full.full.store(true, Ordering::SeqCst);
    let refused = house.client.start_rollout(direct("3")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    house.world.script.say(&rollout.name, Decision::Fail);
    let ended = house.ended(&rollout.name).await;
    assert_eq!(ended.state(), State::RolledBack);
    assert_eq!(house.hands().split(SHOP).share(fleet(&before)).as_f64(), 100.0);
    full.full.store(false, Ordering::SeqCst);
    let next = house.rollout(direct("3")).await;
    assert_eq!(house.ended(&next.name).await.state(), State::Succeeded);
}
