//! A client outside of everything, which follows what happens for as long as the simulation lasts.

use std::collections::BTreeMap;

use bellwether_client::{Transport, Watch, WatchEvent, WatchResource};
use bellwether_proto::{
    executor::v1::{
        WatchRolloutsRequest, WatchTargetsRequest, executor_service_client::ExecutorServiceClient,
    },
    planner::v1::{WatchReleasesRequest, release_planner_service_client::ReleasePlannerServiceClient},
};

use crate::{net::as_person, world::World};

/// A change that was seen: of which resource, which version, at which place of the journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sight {
    pub(crate) sequence: i64,
    pub(crate) version: i64,
    pub(crate) name: String,
    pub(crate) fact: String,
}

/// What was seen of each kind, in the order in which it came.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) changes: BTreeMap<&'static str, Vec<Sight>>,
    /// What should not have come.
    pub(crate) surprises: Vec<String>,
}

/// Follows releases, rollouts and targets.
pub(crate) async fn follow(world: World) -> anyhow::Result<()> {
    let releases = releases(&world, as_person(World::PLANNER)?);
    let executor = as_person(World::EXECUTOR)?;
    let (rollouts, targets) = (rollouts(&world, executor.clone()), targets(&world, executor));
    tokio::join!(
        see(&world, "releases", releases),
        see(&world, "rollouts", rollouts),
        see(&world, "targets", targets)
    );
    Ok(())
}

fn releases(world: &World, transport: Transport) -> Watch<bellwether_proto::planner::v1::Release> {
    let client = ReleasePlannerServiceClient::new(transport);
    Watch::new(world.env(World::OUTSIDER), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_releases(WatchReleasesRequest { resume_token, ..Default::default() }).await }
    })
}

fn rollouts(world: &World, transport: Transport) -> Watch<bellwether_proto::executor::v1::Rollout> {
    let client = ExecutorServiceClient::new(transport);
    Watch::new(world.env(World::OUTSIDER), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_rollouts(WatchRolloutsRequest { resume_token, ..Default::default() }).await }
    })
}

fn targets(world: &World, transport: Transport) -> Watch<bellwether_proto::executor::v1::Target> {
    let client = ExecutorServiceClient::new(transport);
    Watch::new(world.env(World::OUTSIDER), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_targets(WatchTargetsRequest { resume_token, ..Default::default() }).await }
    })
}

async fn see<R: WatchResource>(world: &World, kind: &'static str, mut watch: Watch<R>) {
    loop {
        match watch.next().await {
            Ok(WatchEvent::Current | WatchEvent::Heartbeat) => {}
            Ok(WatchEvent::Changed { change, resource }) => {
                let sight = Sight {
                    sequence: change.sequence,
                    version: change.version,
                    name: resource.name().to_owned(),
                    fact: change.fact,
                };
                let Sight { sequence, version, name, fact } = &sight;
                world
                    .trace()
                    .line(World::OUTSIDER, format_args!("{kind} {sequence} {name} {version} {fact}"));
                world.seen().changes.entry(kind).or_default().push(sight);
            }
            // it was there before anything happened, no token expires here, and nothing is deleted
            Ok(WatchEvent::Snapshot(resource)) => surprise(world, kind, "a snapshot of", resource.name()),
            Ok(WatchEvent::Deleted { name, .. }) => surprise(world, kind, "the end of", &name),
            Err(error) => surprise(world, kind, "a refusal", &error.to_string()),
        }
    }
}

fn surprise(world: &World, kind: &str, what: &str, of: &str) {
    world.trace().line(World::OUTSIDER, format_args!("{kind}: {what} {of}"));
    world.seen().surprises.push(format!("{kind}: {what} {of}"));
}
