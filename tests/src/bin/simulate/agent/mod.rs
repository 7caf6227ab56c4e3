//! The platform's host: the agent's contract in front of the fake, which lives on when the host crashes, as instances
//! and gateway do.

mod convert;
pub(crate) mod instances;
pub(crate) mod refusal;
pub(crate) mod samples;

use std::{pin::Pin, time::Duration};

use async_trait::async_trait;
use bellwether_clock::spawn;
use bellwether_platform::{Platform, Router};
use bellwether_proto::agent::v1::{self as pb, agent_service_server::AgentService};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::world::World;

/// At least this often everything is told, also when nothing has changed.
const AT_LEAST: Duration = Duration::from_secs(1);
/// Observations that wait for a slow reader.
const WAITING: usize = 4;

type Reply<T> = Result<Response<T>, Status>;
type Flow<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The agent.
pub(crate) struct Agent {
    world: World,
}

// === impl Agent ===

impl Agent {
    pub(crate) fn new(world: World) -> Self {
        Self { world }
    }
}

#[async_trait]
impl AgentService for Agent {
    type WatchObservedStream = Flow<pb::WatchObservedResponse>;
    type TailLogsStream = Flow<pb::TailLogsResponse>;

    async fn get_capabilities(
        &self,
        _: Request<pb::GetCapabilitiesRequest>,
    ) -> Reply<pb::GetCapabilitiesResponse> {
        let can = Platform::capabilities(self.world.platform()).await;
        Ok(Response::new(convert::capabilities(can.map_err(refusal::of)?)))
    }

    async fn converge(&self, request: Request<pb::ConvergeRequest>) -> Reply<pb::ConvergeResponse> {
        let pb::ConvergeRequest { fence, desired } = request.into_inner();
        let (fence, given) = (convert::fence(fence.as_ref())?, desired.unwrap_or_default());
        let desired = convert::desired(&given, fence.generation)?;
        let versions = desired.fleets.iter().map(|fleet| (fleet.id, fleet.spec.artifact.version.clone()));
        self.world.versions().extend(versions);
        let platform = self.world.platform();
        platform.route(&given.target, &desired, fence).await.map_err(refusal::of)?;
        platform.converge(&given.target, &desired, fence).await.map_err(refusal::of)?;
        let observed = Some(seen(&self.world, &given.target).await?);
        Ok(Response::new(pb::ConvergeResponse { observed }))
    }

    async fn route(&self, request: Request<pb::RouteRequest>) -> Reply<pb::RouteResponse> {
        let pb::RouteRequest { fence, target, route } = request.into_inner();
        let fence = convert::fence(fence.as_ref())?;
        let given = pb::Desired { target: target.clone(), route, ..Default::default() };
        let desired = convert::desired(&given, fence.generation)?;
        self.world.platform().route(&target, &desired, fence).await.map_err(refusal::of)?;
        Ok(Response::new(pb::RouteResponse { route: seen(&self.world, &target).await?.route }))
    }

    async fn drain(&self, request: Request<pb::DrainRequest>) -> Reply<pb::DrainResponse> {
        let pb::DrainRequest { fence, target, drain } = request.into_inner();
        let (fence, drain) = (convert::fence(fence.as_ref())?, drain.unwrap_or_default());
        let (fleet, left) = convert::drain(&drain)?;
        self.world.platform().drain(&target, fleet, left, fence).await.map_err(refusal::of)?;
        Ok(Response::new(pb::DrainResponse {}))
    }

    async fn observe(&self, request: Request<pb::ObserveRequest>) -> Reply<pb::ObserveResponse> {
        let observed = Some(seen(&self.world, &request.into_inner().target).await?);
        Ok(Response::new(pb::ObserveResponse { observed }))
    }

    async fn watch_observed(
        &self,
        request: Request<pb::WatchObservedRequest>,
    ) -> Reply<Self::WatchObservedStream> {
        let (sender, receiver) = mpsc::channel(WAITING);
        for target in request.into_inner().targets {
            spawn("watch observed", tell(self.world.clone(), target, sender.clone()));
        }
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn take_over(&self, request: Request<pb::TakeOverRequest>) -> Reply<pb::TakeOverResponse> {
        let pb::TakeOverRequest { target, reason, .. } = request.into_inner();
        self.world.platform().take_over(&target, &reason).await.map_err(refusal::of)?;
        let route = seen(&self.world, &target).await?.route;
        Ok(Response::new(pb::TakeOverResponse { route, ..Default::default() }))
    }

    async fn hand_back(&self, request: Request<pb::HandBackRequest>) -> Reply<pb::HandBackResponse> {
        self.world.platform().hand_back(&request.into_inner().target).await.map_err(refusal::of)?;
        Ok(Response::new(pb::HandBackResponse {}))
    }

    async fn tail_logs(&self, _: Request<pb::TailLogsRequest>) -> Reply<Self::TailLogsStream> {
        Err(Status::unimplemented("instances in memory write no logs"))
    }

    async fn put_artifact(
        &self,
        _: Request<Streaming<pb::PutArtifactRequest>>,
    ) -> Reply<pb::PutArtifactResponse> {
        Err(Status::unimplemented("instances in memory are made of nothing"))
    }
}

/// Tells what a target is, at each change, and once a second.
async fn tell(world: World, target: String, sender: mpsc::Sender<Result<pb::WatchObservedResponse, Status>>) {
    let mut changes = Platform::watch(world.platform(), &target);
    loop {
        // what changed is read as it is by then; that nothing did is told too
        let _ = tokio::time::timeout(AT_LEAST, changes.next()).await;
        let observed = seen(&world, &target).await;
        let message = observed.map(|it| pb::WatchObservedResponse { observed: Some(it) });
        if sender.send(message).await.is_err() {
            return;
        }
    }
}

/// What a target is.
async fn seen(world: &World, target: &str) -> Result<pb::Observed, Status> {
    let fake = world.platform();
    let platform = Platform::observe(fake, target).await.map_err(refusal::of)?;
    let router = Router::observe(fake, target).await.map_err(refusal::of)?;
    Ok(convert::observed(target, platform, router))
}
