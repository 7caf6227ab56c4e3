//! A monitor over gRPC.

use std::time::Duration;

use async_trait::async_trait;
use bellwether_client::Transport;
use bellwether_proto::monitor::v1::{
    self as pb, health_monitor_service_client::HealthMonitorServiceClient, stream_verdicts_response::Message,
};
use futures::{StreamExt as _, stream::BoxStream};
use tonic::{Code, Request, Status};

use super::source::{MonitorSource, Sign};

/// Longest time for a call that answers once.
const DEADLINE: Duration = Duration::from_secs(5);

/// The health-monitor at the other end of a transport that reconnects by itself.
#[derive(Clone, Debug)]
pub struct GrpcMonitor {
    client: HealthMonitorServiceClient<Transport>,
}

// === impl GrpcMonitor ===

impl GrpcMonitor {
    /// Over this transport.
    pub fn new(transport: Transport) -> Self {
        Self { client: HealthMonitorServiceClient::new(transport) }
    }
}

#[async_trait]
impl MonitorSource for GrpcMonitor {
    async fn start(&self, analysis: pb::Analysis) -> Result<(), Status> {
        let request = pb::StartAnalysisRequest { request_id: String::new(), analysis: Some(analysis) };
        self.client.clone().start_analysis(within_deadline(request)).await?;
        Ok(())
    }

    async fn update(&self, name: &str, segment: pb::Segment) -> Result<(), Status> {
        let request = pb::UpdateAnalysisRequest {
            request_id: String::new(),
            name: name.to_owned(),
            segment: Some(segment),
        };
        self.client.clone().update_analysis(within_deadline(request)).await?;
        Ok(())
    }

    async fn stop(&self, name: &str) -> Result<(), Status> {
        let request = pb::StopAnalysisRequest { request_id: String::new(), name: name.to_owned() };
        match self.client.clone().stop_analysis(within_deadline(request)).await {
            Err(status) if status.code() != Code::NotFound => Err(status),
            _ => Ok(()),
        }
    }

    async fn verdicts(&self, sequence: i64) -> Result<BoxStream<'static, Result<Sign, Status>>, Status> {
        let request = pb::StreamVerdictsRequest { analyses: Vec::new(), after_sequence: sequence };
        let stream = self.client.clone().stream_verdicts(request).await?.into_inner();
        Ok(stream.map(|message| message.map(sign)).boxed())
    }
}

fn within_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

fn sign(response: pb::StreamVerdictsResponse) -> Sign {
    match response.message {
        Some(Message::Verdict(verdict)) => Sign::Verdict(Box::new(verdict)),
        Some(Message::Heartbeat(_)) | None => Sign::Alive,
    }
}
