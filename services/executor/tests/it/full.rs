//! A disk without space.

use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bellwether_journal::{Around, Commit, CommitError, Commits, Committed, Journal};
use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use pb::rollout::State;
use tonic::Code;

use super::{
    house::{House, SHOP, World, canary, direct, fleet, open},
    script::Script,
};

/// Takes urgent commits only while it is full, as a journal does that has given its ballast up.
#[derive(Default)]
struct Full(AtomicBool);

#[async_trait]
impl Commits for Full {
    async fn commit(&self, inner: &dyn Journal, commit: Commit) -> Result<Committed, CommitError> {
        if self.0.load(Ordering::SeqCst) && !commit.urgent {
            return Err(CommitError::DiskFull);
        }
        inner.commit(commit).await
    }
}

#[tokio::test]
async fn x07_a_full_disk_refuses_what_is_new_and_lets_a_release_be_taken_back() {
    let world = World::new(Script::new(None));
    let inner = open(&world.file(), &world.env).await;
    let full = Around::new(inner, Full::default());
    let mut house = House::over(world, full.clone()).await;
    let before = house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.world.script.segment(&rollout.name, 1).await;
    full.commits.0.store(true, Ordering::SeqCst);
    let refused = house.client.start_rollout(direct("3")).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    house.world.script.say(&rollout.name, Decision::Fail);
    let ended = house.ended(&rollout.name).await;
    assert_eq!(ended.state(), State::RolledBack);
    assert_eq!(house.hands().split(SHOP).share(fleet(&before)).as_f64(), 100.0);
    full.commits.0.store(false, Ordering::SeqCst);
    let next = house.rollout(direct("3")).await;
    assert_eq!(house.ended(&next.name).await.state(), State::Succeeded);
}
