//! OpenTelemetry metrics in.

use bellwether_server::Caller;
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_server::MetricsService,
};
use tonic::{Request, Response, Status};

use super::{Api, application};
use crate::sources::otlp::{Attributes, Origin, Rejected, count};

#[tonic::async_trait]
impl MetricsService for Api {
    /// All of an export that can be used is; the rest is told as partial success, as the protocol wants it. Only metrics of
    /// targets that the caller may not tell of refuse the call as a whole.
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let caller = Caller::of(request.extensions())?;
        let now = self.monitor.now();
        let (mut rejected, mut resources) = (Rejected::default(), Vec::new());
        for given in request.into_inner().resource_metrics {
            let attributes = given.resource.as_ref().map_or(&[][..], |resource| &resource.attributes);
            match Origin::of(Attributes(attributes), |target| self.monitor.versions_of(target)) {
                Ok(origin) => {
                    caller.require_scope("", application(&origin.target))?;
                    resources.push((origin, given));
                }
                Err(problem) => rejected.add(count(&given), problem),
            }
        }
        for (origin, given) in &resources {
            self.monitor.otlp.note(origin, given, now, &mut rejected);
            self.monitor.measure(origin, given, now);
        }
        self.monitor.hear(now);
        let partial_success = (rejected.points > 0).then(|| {
            self.monitor.metrics.refused.inc();
            ExportMetricsPartialSuccess {
                rejected_data_points: rejected.points,
                error_message: rejected.message(),
            }
        });
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}
