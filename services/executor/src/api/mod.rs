//! The contract's calls: read, hand over, answer.

mod able;
mod list;
mod watch;

use bellwether_proto::executor::v1::{self as pb, executor_service_server::ExecutorService};
use bellwether_resource::{error::NOT_FOUND, watch::WatchStream};
use bellwether_rollout::RolloutId;
use bellwether_server::{Caller, Shutdown};
use tonic::{Request, Response, Status};

use crate::{
    convert::{
        self,
        request::{self, Interrupted},
    },
    shell::{Ask, Executor},
    targets::Targets,
};

/// Serves an executor.
#[derive(Clone)]
pub struct ExecutorApi {
    executor: Executor,
}

// === impl ExecutorApi ===

impl ExecutorApi {
    /// The contract over this executor.
    pub fn new(executor: Executor) -> Self {
        Self { executor }
    }
}

fn ask<'r, R>(caller: Caller, request_id: &'r str, payload: &'r R) -> Ask<'r, R> {
    Ask { caller, request_id, payload }
}

/// A method that does one command about one rollout.
macro_rules! on_rollout {
    ($self:ident, $request:ident, $read:expr, $shown:expr, $response:ident) => {{
        let caller = Caller::of($request.extensions())?;
        let given = $request.into_inner();
        let command = $read(&given)?;
        let rollout =
            $self.executor.on_rollout(ask(caller, &given.request_id, &given), command, $shown).await?;
        Ok(Response::new(pb::$response { rollout: Some(rollout) }))
    }};
}

#[tonic::async_trait]
impl ExecutorService for ExecutorApi {
    type WatchTargetsStream = WatchStream<pb::WatchTargetsResponse>;
    type WatchRolloutsStream = WatchStream<pb::WatchRolloutsResponse>;

    async fn apply_target(
        &self,
        request: Request<pb::ApplyTargetRequest>,
    ) -> Result<Response<pb::ApplyTargetResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        let given = request.into_inner();
        let drivers = self.executor.drivers();
        let command = request::apply(&given, drivers.platforms(), &drivers.routers())?;
        let ask = ask(caller, &given.request_id, &given);
        let target = self.executor.on_target(ask, command, given.validate_only).await?;
        let target = able::asked(drivers, target).await;
        Ok(Response::new(pb::ApplyTargetResponse { target: Some(target) }))
    }

    async fn get_target(
        &self,
        request: Request<pb::GetTargetRequest>,
    ) -> Result<Response<pb::GetTargetResponse>, Status> {
        let name = Targets::stream(&request::target_name(&request.get_ref().name)?);
        let entry = self.executor.store().get(&name).filter(|entry| entry.state.core.spec.is_some());
        let entry = entry.ok_or_else(|| NOT_FOUND.because(format!("there is no target {name}")))?;
        let target = able::asked(self.executor.drivers(), convert::target(&entry)).await;
        Ok(Response::new(pb::GetTargetResponse { target: Some(target) }))
    }

    async fn list_targets(
        &self,
        request: Request<pb::ListTargetsRequest>,
    ) -> Result<Response<pb::ListTargetsResponse>, Status> {
        let list = request::ListTargets::read(request.get_ref())?;
        let (targets, next_page_token) = list::targets(&self.executor, &list);
        Ok(Response::new(pb::ListTargetsResponse { targets, next_page_token }))
    }

    async fn delete_target(
        &self,
        request: Request<pb::DeleteTargetRequest>,
    ) -> Result<Response<pb::DeleteTargetResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        let given = request.into_inner();
        let command = request::delete(&given)?;
        self.executor.on_target(ask(caller, &given.request_id, &given), command, false).await?;
        Ok(Response::new(pb::DeleteTargetResponse {}))
    }

    async fn watch_targets(
        &self,
        request: Request<pb::WatchTargetsRequest>,
    ) -> Result<Response<Self::WatchTargetsStream>, Status> {
        let ended = Shutdown::of(request.extensions());
        let given = request.into_inner();
        let ended = async move { ended.triggered().await };
        let store = self.executor.store();
        let view = watch::TargetView::new(self.executor.drivers().clone());
        let stream = store.watch(view, &given.filter, &given.resume_token, ended)?;
        Ok(stream.respond())
    }

    async fn start_rollout(
        &self,
        request: Request<pb::StartRolloutRequest>,
    ) -> Result<Response<pb::StartRolloutResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        let given = request.into_inner();
        let rollout = self.executor.on_start(ask(caller, &given.request_id, &given)).await?;
        Ok(Response::new(pb::StartRolloutResponse { rollout: Some(rollout) }))
    }

    async fn renew_permit(
        &self,
        request: Request<pb::RenewPermitRequest>,
    ) -> Result<Response<pb::RenewPermitResponse>, Status> {
        on_rollout!(self, request, request::permit, None, RenewPermitResponse)
    }

    async fn get_rollout(
        &self,
        request: Request<pb::GetRolloutRequest>,
    ) -> Result<Response<pb::GetRolloutResponse>, Status> {
        let name = request::rollout_name(&request.get_ref().name)?;
        let rollout = self.executor.rollout(&name).await?;
        Ok(Response::new(pb::GetRolloutResponse { rollout: Some(rollout) }))
    }

    async fn list_rollouts(
        &self,
        request: Request<pb::ListRolloutsRequest>,
    ) -> Result<Response<pb::ListRolloutsResponse>, Status> {
        let list = request::ListRollouts::read(request.get_ref())?;
        let (rollouts, next_page_token) = list::rollouts(&self.executor, &list).await?;
        Ok(Response::new(pb::ListRolloutsResponse { rollouts, next_page_token }))
    }

    async fn watch_rollouts(
        &self,
        request: Request<pb::WatchRolloutsRequest>,
    ) -> Result<Response<Self::WatchRolloutsStream>, Status> {
        let ended = Shutdown::of(request.extensions());
        let given = request.into_inner();
        let ended = async move { ended.triggered().await };
        let store = self.executor.store();
        let stream = store.watch(watch::RolloutView, &given.filter, &given.resume_token, ended)?;
        Ok(stream.respond())
    }

    async fn pause_rollout(
        &self,
        request: Request<pb::PauseRolloutRequest>,
    ) -> Result<Response<pb::PauseRolloutResponse>, Status> {
        on_rollout!(self, request, request::pause, None, PauseRolloutResponse)
    }

    async fn resume_rollout(
        &self,
        request: Request<pb::ResumeRolloutRequest>,
    ) -> Result<Response<pb::ResumeRolloutResponse>, Status> {
        on_rollout!(self, request, request::resume, None, ResumeRolloutResponse)
    }

    async fn advance_rollout(
        &self,
        request: Request<pb::AdvanceRolloutRequest>,
    ) -> Result<Response<pb::AdvanceRolloutResponse>, Status> {
        on_rollout!(self, request, request::advance, None, AdvanceRolloutResponse)
    }

    async fn abort_rollout(
        &self,
        request: Request<pb::AbortRolloutRequest>,
    ) -> Result<Response<pb::AbortRolloutResponse>, Status> {
        on_rollout!(self, request, request::abort, None, AbortRolloutResponse)
    }

    async fn rollback_rollout(
        &self,
        request: Request<pb::RollbackRolloutRequest>,
    ) -> Result<Response<pb::RollbackRolloutResponse>, Status> {
        let new = RolloutId(self.executor.env().uuid());
        let read = |given: &_| request::rollback(given, new);
        on_rollout!(self, request, read, Some(new), RollbackRolloutResponse)
    }

    async fn resolve_gate(
        &self,
        request: Request<pb::ResolveGateRequest>,
    ) -> Result<Response<pb::ResolveGateResponse>, Status> {
        on_rollout!(self, request, request::gate, None, ResolveGateResponse)
    }

    async fn resolve_interruption(
        &self,
        request: Request<pb::ResolveInterruptionRequest>,
    ) -> Result<Response<pb::ResolveInterruptionResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        let given = request.into_inner();
        let interrupted = request::interruption(&given)?;
        let ask = ask(caller, &given.request_id, &given);
        let rollout = match interrupted {
            Interrupted::Rollout(command) => Some(self.executor.on_rollout(ask, command, None).await?),
            Interrupted::Target(command, choice) => {
                self.executor.on_interrupted_target(ask, command, choice).await?
            }
        };
        Ok(Response::new(pb::ResolveInterruptionResponse { rollout }))
    }

    async fn hand_back(
        &self,
        request: Request<pb::HandBackRequest>,
    ) -> Result<Response<pb::HandBackResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        let given = request.into_inner();
        let command = request::hand_back(&given)?;
        let target = self.executor.on_target(ask(caller, &given.request_id, &given), command, false).await?;
        Ok(Response::new(pb::HandBackResponse { target: Some(target) }))
    }
}
