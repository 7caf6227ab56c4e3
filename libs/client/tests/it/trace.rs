//! One trace over client, server and a restart, received over OTLP.

use std::sync::{Arc, Mutex};

use bellwether_clock::spawn;
use bellwether_proto::executor::v1::GetTargetRequest;
use bellwether_server::{
    bind,
    telemetry::{LogFormat, TelemetryConfig, continue_from, current_traceparent, init},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    trace::v1::Span,
};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};
use tracing::{Instrument as _, info_span};

use crate::{fake::Fake, harness::start};

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes =
            request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Starts a collector and returns its URL.
async fn collect(collector: Collector) -> String {
    let listener = bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(collector));
    drop(spawn("collector", server.serve_with_incoming(TcpListenerStream::new(listener))));
    format!("http://{address}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_through_calls_and_goes_on_after_a_restart() {
    let collector = Collector::default();
    let otlp_endpoint = Some(collect(collector.clone()).await);
    let config = TelemetryConfig { service: "test".into(), log_format: LogFormat::Json, otlp_endpoint };
    let telemetry = init(&config).unwrap();
    assert!(init(&config).is_err(), "once per process");

    let fake = Fake::default();
    let server = start(fake.clone()).await;
    let mut client = server.client();
    let submit = info_span!(target: "bellwether::test", parent: None, "submit");
    let stored = async {
        client.get_target(GetTargetRequest::default()).await.unwrap();
        current_traceparent().unwrap()
    };
    let stored = stored.instrument(submit).await;

    let resumed = info_span!(target: "bellwether::test", parent: None, "resumed");
    continue_from(&resumed, &stored);
    client.get_target(GetTargetRequest::default()).instrument(resumed).await.unwrap();
    client.get_target(GetTargetRequest::default()).await.unwrap();

    let seen = fake.seen.lock().unwrap().clone();
    let traces: Vec<_> =
        seen.iter().map(|seen| seen.traceparent.as_deref().unwrap()[3..35].to_owned()).collect();
    assert_eq!(traces[..2], [stored[3..35].to_owned(), stored[3..35].to_owned()]);
    assert_ne!(traces[2], traces[0], "a call outside has a trace of its own");

    drop(server);
    tokio::task::spawn_blocking(|| telemetry.flush(std::time::Duration::from_secs(5))).await.unwrap();
    let spans = collector.0.lock().unwrap().clone();
    assert!(spans.iter().all(|span| span.name != "task" && !span.name.contains("TraceService")));
    let one_trace: Vec<_> = spans.iter().filter(|span| hex::encode(&span.trace_id) == traces[0]).collect();
    let find = |name: &str| one_trace.iter().find(|span| span.name == name).unwrap();
    let (submit, resumed) = (find("submit"), find("resumed"));
    assert_eq!(resumed.parent_span_id, submit.span_id);
    let calls: Vec<_> = one_trace
        .iter()
        .filter(|span| span.name == "bellwether.executor.v1.ExecutorService/GetTarget")
        .collect();
    let mut parents: Vec<_> = calls.iter().map(|span| span.parent_span_id.clone()).collect();
    parents.sort();
    let mut expected = vec![submit.span_id.clone(), resumed.span_id.clone()];
    expected.sort();
    assert_eq!(parents, expected);
    assert_eq!(one_trace.len(), 4);
}
