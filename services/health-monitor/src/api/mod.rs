//! The calls of `HealthMonitorService`.

mod analyses;
mod evaluate;
mod events;
mod health;
mod otlp;
mod plan;
mod probes;
mod recordings;
mod samples;
mod traffic;
mod verdicts;

use bellwether_proto::monitor::v1::{self as pb, health_monitor_service_server::HealthMonitorService};
use bellwether_resource::error::{INTERNAL, NOT_FOUND, Problem};
use bellwether_server::Caller;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use crate::{monitor::Monitor, pushers::Pushers};

/// The service.
#[derive(Clone)]
pub struct Api {
    monitor: Monitor,
    pushers: Pushers,
}

// === impl Api ===

impl Api {
    /// Over this engine.
    pub fn new(monitor: Monitor) -> Self {
        Self { monitor, pushers: Pushers::default() }
    }
}

#[tonic::async_trait]
impl HealthMonitorService for Api {
    async fn start_analysis(
        &self,
        request: Request<pb::StartAnalysisRequest>,
    ) -> Result<Response<pb::StartAnalysisResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.start(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn update_analysis(
        &self,
        request: Request<pb::UpdateAnalysisRequest>,
    ) -> Result<Response<pb::UpdateAnalysisResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.update(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn stop_analysis(
        &self,
        request: Request<pb::StopAnalysisRequest>,
    ) -> Result<Response<pb::StopAnalysisResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.stop(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn get_analysis(
        &self,
        request: Request<pb::GetAnalysisRequest>,
    ) -> Result<Response<pb::GetAnalysisResponse>, Status> {
        self.get(&request.into_inner())
    }

    async fn list_analyses(
        &self,
        request: Request<pb::ListAnalysesRequest>,
    ) -> Result<Response<pb::ListAnalysesResponse>, Status> {
        self.list(&request.into_inner()).map(Response::new)
    }

    type StreamVerdictsStream = ReceiverStream<Result<pb::StreamVerdictsResponse, Status>>;

    async fn stream_verdicts(
        &self,
        request: Request<pb::StreamVerdictsRequest>,
    ) -> Result<Response<Self::StreamVerdictsStream>, Status> {
        self.verdicts(request).map(Response::new)
    }

    async fn push_samples(
        &self,
        request: Request<Streaming<pb::PushSamplesRequest>>,
    ) -> Result<Response<pb::PushSamplesResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.samples(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn push_events(
        &self,
        request: Request<pb::PushEventsRequest>,
    ) -> Result<Response<pb::PushEventsResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.events(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn plan_analysis(
        &self,
        request: Request<pb::PlanAnalysisRequest>,
    ) -> Result<Response<pb::PlanAnalysisResponse>, Status> {
        plan::plan(&request.into_inner()).map(Response::new)
    }

    async fn evaluate_samples(
        &self,
        request: Request<pb::EvaluateSamplesRequest>,
    ) -> Result<Response<pb::EvaluateSamplesResponse>, Status> {
        let request = request.into_inner();
        // long enough to hold up a verdict
        let done = tokio::task::spawn_blocking(move || evaluate::evaluate(request));
        done.await
            .map_err(|_| Status::from(INTERNAL.because("the evaluation ended early")))?
            .map(Response::new)
    }

    type GetRecordingStream = ReceiverStream<Result<pb::GetRecordingResponse, Status>>;

    async fn get_recording(
        &self,
        request: Request<pb::GetRecordingRequest>,
    ) -> Result<Response<Self::GetRecordingStream>, Status> {
        self.recording(request.into_inner()).await.map(Response::new)
    }

    async fn get_impact(
        &self,
        request: Request<pb::GetImpactRequest>,
    ) -> Result<Response<pb::GetImpactResponse>, Status> {
        self.impact(request.into_inner()).await.map(Response::new)
    }

    async fn get_traffic(
        &self,
        request: Request<pb::GetTrafficRequest>,
    ) -> Result<Response<pb::GetTrafficResponse>, Status> {
        self.traffic(&request.into_inner()).map(Response::new)
    }

    async fn replay_recording(
        &self,
        request: Request<pb::ReplayRecordingRequest>,
    ) -> Result<Response<pb::ReplayRecordingResponse>, Status> {
        self.replay(request.into_inner()).await.map(Response::new)
    }

    async fn get_health(
        &self,
        request: Request<pb::GetHealthRequest>,
    ) -> Result<Response<pb::GetHealthResponse>, Status> {
        self.health(&request.into_inner().target)
            .await
            .map(|health| Response::new(pb::GetHealthResponse { health: Some(health) }))
    }

    type WatchHealthStream = ReceiverStream<Result<pb::WatchHealthResponse, Status>>;

    async fn watch_health(
        &self,
        request: Request<pb::WatchHealthRequest>,
    ) -> Result<Response<Self::WatchHealthStream>, Status> {
        self.healths(request).await.map(Response::new)
    }

    async fn get_baseline(
        &self,
        request: Request<pb::GetBaselineRequest>,
    ) -> Result<Response<pb::GetBaselineResponse>, Status> {
        self.baseline(&request.into_inner()).map(Response::new)
    }

    async fn apply_probe(
        &self,
        request: Request<pb::ApplyProbeRequest>,
    ) -> Result<Response<pb::ApplyProbeResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.apply(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn list_probes(
        &self,
        request: Request<pb::ListProbesRequest>,
    ) -> Result<Response<pb::ListProbesResponse>, Status> {
        self.probes(&request.into_inner()).map(Response::new)
    }

    async fn delete_probe(
        &self,
        request: Request<pb::DeleteProbeRequest>,
    ) -> Result<Response<pb::DeleteProbeResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        self.delete(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn get_capacity_forecast(
        &self,
        request: Request<pb::GetCapacityForecastRequest>,
    ) -> Result<Response<pb::GetCapacityForecastResponse>, Status> {
        self.capacity(&request.into_inner()).map(Response::new)
    }
}

fn missing(name: &str) -> Problem {
    NOT_FOUND.because(format!("there is no analysis {name:?}")).with("name", name)
}

/// The application of `targets/<application>@<environment>`.
fn application(target: &str) -> &str {
    let id = target.strip_prefix("targets/").unwrap_or(target);
    id.split_once('@').map_or(id, |(application, _)| application)
}
