//! Following the executor with durable cursors.
//!
//! A cursor moves on after what it stands behind was committed: after a crash something may be observed twice, which
//! changes nothing, and nothing is missed.

use std::{future::Future, time::Duration};

use bellwether_client::{Backoff, Watch, WatchEvent, WatchResource};
use bellwether_journal::Commit;
use bellwether_proto::executor::v1::{Rollout, Target, WatchRolloutsRequest, WatchTargetsRequest};

use super::settle::SettleError;
use crate::planner::Planner;

const ROLLOUTS: &str = "cursor/executor/rollouts";
const TARGETS: &str = "cursor/executor/targets";

/// What is followed.
trait Observed: WatchResource {
    /// Commits what it means.
    fn observe(&self, planner: &Planner) -> impl Future<Output = Result<(), SettleError>> + Send;
}

/// Follows rollouts for ever.
pub(super) async fn rollouts(planner: Planner) {
    let client = planner.executor().client();
    let watch = Watch::new(planner.env().clone(), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_rollouts(WatchRolloutsRequest { filter: String::new(), resume_token }).await }
    });
    follow(planner, ROLLOUTS, watch).await;
}

/// Follows targets for ever.
pub(super) async fn targets(planner: Planner) {
    let client = planner.executor().client();
    let watch = Watch::new(planner.env().clone(), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_targets(WatchTargetsRequest { filter: String::new(), resume_token }).await }
    });
    follow(planner, TARGETS, watch).await;
}

async fn follow<R: Observed>(planner: Planner, cursor: &'static str, watch: Watch<R>) {
    let mut backoff = Backoff::new(planner.env().clone(), Duration::from_millis(100), Duration::from_secs(5));
    let mut watch = watch.after(read(&planner, cursor).await);
    let mut kept = watch.resume_token().to_owned();
    loop {
        match watch.next().await {
            Ok(WatchEvent::Snapshot(resource) | WatchEvent::Changed { resource, .. }) => {
                while let Err(error) = resource.observe(&planner).await {
                    tracing::error!(cursor, error = &error as &dyn std::error::Error, "observing again");
                    tokio::time::sleep(backoff.pause(None)).await;
                }
                backoff.reset();
            }
            Ok(WatchEvent::Current | WatchEvent::Deleted { .. } | WatchEvent::Heartbeat) => {}
            Err(error) => tracing::warn!(cursor, %error, "the executor refuses the watch; trying again"),
        }
        if watch.resume_token() != kept {
            watch.resume_token().clone_into(&mut kept);
            keep(&planner, cursor, &kept).await;
        }
    }
}

/// The durable cursor; empty: from the beginning.
async fn read(planner: &Planner, cursor: &str) -> String {
    let found = planner.stores().releases.journal().get(cursor).await;
    let bytes = found.ok().flatten().unwrap_or_default();
    String::from_utf8(bytes.to_vec()).unwrap_or_default()
}

/// A cursor that could not be kept costs repetitions after a crash, nothing else.
async fn keep(planner: &Planner, cursor: &str, token: &str) {
    let commit = Commit::new(planner.now()).put(cursor, token.to_owned());
    if let Err(error) = planner.stores().releases.journal().commit(commit).await {
        tracing::warn!(cursor, error = &error as &dyn std::error::Error, "the cursor stays where it was");
    }
}

impl Observed for Rollout {
    async fn observe(&self, planner: &Planner) -> Result<(), SettleError> {
        planner.observe_rollout(self).await
    }
}

impl Observed for Target {
    async fn observe(&self, planner: &Planner) -> Result<(), SettleError> {
        planner.observe_target(self).await
    }
}
