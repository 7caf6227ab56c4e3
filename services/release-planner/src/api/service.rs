//! Each call: who asks, what, and the answer.

use bellwether_proto::planner::v1::{self as pb, release_planner_service_server::ReleasePlannerService};
use bellwether_resource::watch::WatchStream;
use bellwether_server::{Caller, Deadline, Shutdown};
use tonic::{Request, Response, Status};

use crate::{commands::Asker, planner::Planner};

/// The calls of `bellwether.planner.v1.ReleasePlannerService`.
#[derive(Clone, Debug)]
pub(crate) struct PlannerApi {
    planner: Planner,
}

type Answer<T> = Result<Response<T>, Status>;

// === impl PlannerApi ===

impl PlannerApi {
    pub(crate) fn new(planner: Planner) -> Self {
        Self { planner }
    }
}

fn asked<T>(request: Request<T>) -> Result<(Asker, T), Status> {
    let caller = Caller::of(request.extensions())?;
    Ok((Asker::new(caller), request.into_inner()))
}

#[tonic::async_trait]
impl ReleasePlannerService for PlannerApi {
    type WatchReleasesStream = WatchStream<pb::WatchReleasesResponse>;

    async fn apply_application(
        &self,
        request: Request<pb::ApplyApplicationRequest>,
    ) -> Answer<pb::ApplyApplicationResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.apply_application(asker, request).await?))
    }

    async fn delete_application(
        &self,
        request: Request<pb::DeleteApplicationRequest>,
    ) -> Answer<pb::DeleteApplicationResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.delete_application(asker, request).await?))
    }

    async fn apply_environment(
        &self,
        request: Request<pb::ApplyEnvironmentRequest>,
    ) -> Answer<pb::ApplyEnvironmentResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.apply_environment(asker, request).await?))
    }

    async fn delete_environment(
        &self,
        request: Request<pb::DeleteEnvironmentRequest>,
    ) -> Answer<pb::DeleteEnvironmentResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.delete_environment(asker, request).await?))
    }

    async fn submit_release(
        &self,
        request: Request<pb::SubmitReleaseRequest>,
    ) -> Answer<pb::SubmitReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.submit_release(asker, request).await?))
    }

    async fn approve_release(
        &self,
        request: Request<pb::ApproveReleaseRequest>,
    ) -> Answer<pb::ApproveReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.approve_release(asker, request).await?))
    }

    async fn reject_release(
        &self,
        request: Request<pb::RejectReleaseRequest>,
    ) -> Answer<pb::RejectReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.reject_release(asker, request).await?))
    }

    async fn promote_release(
        &self,
        request: Request<pb::PromoteReleaseRequest>,
    ) -> Answer<pb::PromoteReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.promote_release(asker, request).await?))
    }

    async fn pause_release(
        &self,
        request: Request<pb::PauseReleaseRequest>,
    ) -> Answer<pb::PauseReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.pause_release(asker, request).await?))
    }

    async fn resume_release(
        &self,
        request: Request<pb::ResumeReleaseRequest>,
    ) -> Answer<pb::ResumeReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.resume_release(asker, request).await?))
    }

    async fn abort_release(
        &self,
        request: Request<pb::AbortReleaseRequest>,
    ) -> Answer<pb::AbortReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.abort_release(asker, request).await?))
    }

    async fn rollback_release(
        &self,
        request: Request<pb::RollbackReleaseRequest>,
    ) -> Answer<pb::RollbackReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.rollback_release(asker, request).await?))
    }

    async fn cancel_release(
        &self,
        request: Request<pb::CancelReleaseRequest>,
    ) -> Answer<pb::CancelReleaseResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.cancel_release(asker, request).await?))
    }

    async fn hold_promotion(
        &self,
        request: Request<pb::HoldPromotionRequest>,
    ) -> Answer<pb::HoldPromotionResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.hold_promotion(asker, request).await?))
    }

    async fn release_hold(
        &self,
        request: Request<pb::ReleaseHoldRequest>,
    ) -> Answer<pb::ReleaseHoldResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.release_hold(asker, request).await?))
    }

    async fn veto_version(
        &self,
        request: Request<pb::VetoVersionRequest>,
    ) -> Answer<pb::VetoVersionResponse> {
        let (asker, request) = asked(request)?;
        Ok(Response::new(self.planner.veto_version(asker, request).await?))
    }

    async fn get_application(
        &self,
        request: Request<pb::GetApplicationRequest>,
    ) -> Answer<pb::GetApplicationResponse> {
        Ok(Response::new(self.planner.get_application(&request.into_inner())?))
    }

    async fn list_applications(
        &self,
        request: Request<pb::ListApplicationsRequest>,
    ) -> Answer<pb::ListApplicationsResponse> {
        Ok(Response::new(self.planner.list_applications(&request.into_inner())?))
    }

    async fn get_environment(
        &self,
        request: Request<pb::GetEnvironmentRequest>,
    ) -> Answer<pb::GetEnvironmentResponse> {
        Ok(Response::new(self.planner.get_environment(&request.into_inner())?))
    }

    async fn list_environments(
        &self,
        request: Request<pb::ListEnvironmentsRequest>,
    ) -> Answer<pb::ListEnvironmentsResponse> {
        Ok(Response::new(self.planner.list_environments(&request.into_inner())?))
    }

    async fn get_release(&self, request: Request<pb::GetReleaseRequest>) -> Answer<pb::GetReleaseResponse> {
        Ok(Response::new(self.planner.get_release(&request.into_inner())?))
    }

    async fn list_releases(
        &self,
        request: Request<pb::ListReleasesRequest>,
    ) -> Answer<pb::ListReleasesResponse> {
        Ok(Response::new(self.planner.list_releases(&request.into_inner())?))
    }

    async fn list_holds(&self, request: Request<pb::ListHoldsRequest>) -> Answer<pb::ListHoldsResponse> {
        Ok(Response::new(self.planner.list_holds(&request.into_inner())?))
    }

    async fn explain_admission(
        &self,
        request: Request<pb::ExplainAdmissionRequest>,
    ) -> Answer<pb::ExplainAdmissionResponse> {
        Ok(Response::new(self.planner.explain_admission(&request.into_inner())?))
    }

    async fn wait_release(
        &self,
        request: Request<pb::WaitReleaseRequest>,
    ) -> Answer<pb::WaitReleaseResponse> {
        let ended = Shutdown::of(request.extensions());
        let deadline = Deadline::of(request.extensions());
        Ok(Response::new(self.planner.wait_release(request.into_inner(), deadline, ended).await?))
    }

    async fn watch_releases(
        &self,
        request: Request<pb::WatchReleasesRequest>,
    ) -> Answer<Self::WatchReleasesStream> {
        let ended = Shutdown::of(request.extensions());
        let request = request.into_inner();
        let stream = self.planner.watch_releases(&request, async move { ended.triggered().await })?;
        Ok(stream.respond())
    }
}
