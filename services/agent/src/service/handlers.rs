//! The calls.

use std::sync::Arc;

use bellwether_proto::agent::v1::{agent_service_server::AgentService, *};
use bellwether_resource::{Violations, error::Problem};
use bellwether_server::Shutdown;
use tonic::{Request, Response, Status, Streaming};

use super::{
    artifacts, convert,
    logs::{self, LogStream},
    problem::of_target,
    watch::{self, ObservedStream},
};
use crate::supervisor::{Host, Target};

/// The agent's calls over a host.
#[derive(Clone, Debug)]
pub struct AgentApi {
    host: Arc<Host>,
}

// === impl AgentApi ===

impl AgentApi {
    /// Over this host.
    pub fn new(host: Arc<Host>) -> Self {
        Self { host }
    }

    async fn target(&self, name: &str) -> Result<Arc<Target>, Problem> {
        self.host.target(name).await.map_err(|error| of_target(&error))
    }
}

#[tonic::async_trait]
impl AgentService for AgentApi {
    type WatchObservedStream = ObservedStream;
    type TailLogsStream = LogStream;

    async fn get_capabilities(
        &self,
        _: Request<GetCapabilitiesRequest>,
    ) -> Result<Response<GetCapabilitiesResponse>, Status> {
        Ok(Response::new(GetCapabilitiesResponse {
            weights: true,
            header_match: true,
            mirror: true,
            affinity: true,
            confirm: true,
            drain: true,
            surge: true,
            preview: true,
            fenced: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }

    async fn converge(
        &self,
        request: Request<ConvergeRequest>,
    ) -> Result<Response<ConvergeResponse>, Status> {
        let ConvergeRequest { fence, desired } = request.into_inner();
        let name = desired.as_ref().map(|desired| desired.target.clone()).unwrap_or_default();
        let read = |violations: &mut Violations| convert::desired(violations, desired, self.host.env());
        let (fence, wish) = convert::fence_and(fence.as_ref(), read)?;
        let target = self.host.target_or_new(&name).await.map_err(|error| of_target(&error))?;
        let observed = target.converge(fence, wish).await.map_err(|error| of_target(&error))?;
        let observed = Some(convert::observed(observed, self.host.env().now()));
        Ok(Response::new(ConvergeResponse { observed }))
    }

    async fn route(&self, request: Request<RouteRequest>) -> Result<Response<RouteResponse>, Status> {
        let RouteRequest { fence, target, route } = request.into_inner();
        let read = |violations: &mut Violations| {
            let route = violations.required("route", route).unwrap_or_default();
            convert::route(violations, route)
        };
        let (fence, route) = convert::fence_and(fence.as_ref(), read)?;
        let confirmed =
            self.target(&target).await?.route(fence, route).await.map_err(|error| of_target(&error))?;
        Ok(Response::new(RouteResponse { route: Some(convert::observed_route(confirmed)) }))
    }

    async fn drain(&self, request: Request<DrainRequest>) -> Result<Response<DrainResponse>, Status> {
        let DrainRequest { fence, target, drain } = request.into_inner();
        let read = |violations: &mut Violations| {
            let drain = violations.required("drain", drain).unwrap_or_default();
            violations.within("drain", |violations| convert::drain(violations, &drain, self.host.env()))
        };
        let (fence, drain) = convert::fence_and(fence.as_ref(), read)?;
        let target = self.target(&target).await?;
        if let Some((fleet, until)) = drain {
            target.drain(fence, fleet, until).await.map_err(|error| of_target(&error))?;
        }
        Ok(Response::new(DrainResponse {}))
    }

    async fn observe(&self, request: Request<ObserveRequest>) -> Result<Response<ObserveResponse>, Status> {
        let observed = self.target(&request.into_inner().target).await?.observe();
        let observed = Some(convert::observed(observed, self.host.env().now()));
        Ok(Response::new(ObserveResponse { observed }))
    }

    async fn watch_observed(
        &self,
        request: Request<WatchObservedRequest>,
    ) -> Result<Response<ObservedStream>, Status> {
        let shutdown = Shutdown::of(request.extensions());
        let targets = request.into_inner().targets;
        let mut violations = Violations::new();
        violations.check(targets.len() <= 1000, "targets", targets.len(), "at most 1,000");
        violations.finish()?;
        Ok(Response::new(watch::observed(self.host.clone(), targets, shutdown)))
    }

    async fn take_over(
        &self,
        request: Request<TakeOverRequest>,
    ) -> Result<Response<TakeOverResponse>, Status> {
        let TakeOverRequest { target, fleet, reason } = request.into_inner();
        required_reason(&reason)?;
        let fleet = Some(fleet).filter(|fleet| !fleet.is_empty());
        let target = self.target(&target).await?;
        let confirmed = target.take_over(fleet, reason).await.map_err(|error| of_target(&error))?;
        let route = convert::observed_route(confirmed);
        let version = match route.split.first() {
            Some(share) => target.version(&share.fleet).await,
            None => String::new(),
        };
        Ok(Response::new(TakeOverResponse { route: Some(route), version }))
    }

    async fn hand_back(
        &self,
        request: Request<HandBackRequest>,
    ) -> Result<Response<HandBackResponse>, Status> {
        let HandBackRequest { target, reason } = request.into_inner();
        required_reason(&reason)?;
        self.target(&target).await?.hand_back(&reason).await.map_err(|error| of_target(&error))?;
        Ok(Response::new(HandBackResponse {}))
    }

    async fn tail_logs(&self, request: Request<TailLogsRequest>) -> Result<Response<LogStream>, Status> {
        let shutdown = Shutdown::of(request.extensions());
        let request = request.into_inner();
        let lines = request.lines.unwrap_or(100);
        let mut violations = Violations::new();
        violations.range("lines", lines, 0..=10_000);
        violations.finish()?;
        let target = self.target(&request.target).await?;
        let wanted = logs::Wanted {
            fleet: request.fleet,
            instance: request.instance,
            lines: usize::try_from(lines).unwrap_or(0),
            follow: request.follow,
        };
        Ok(Response::new(logs::tail(target, wanted, self.host.env().clone(), shutdown)))
    }

    async fn put_artifact(
        &self,
        request: Request<Streaming<PutArtifactRequest>>,
    ) -> Result<Response<PutArtifactResponse>, Status> {
        Ok(Response::new(artifacts::put(&self.host, request.into_inner()).await?))
    }
}

fn required_reason(reason: &str) -> Result<(), Problem> {
    let mut violations = Violations::new();
    violations.text("reason", reason, 1..=1000);
    violations.finish()
}
