//! An OTLP receiver that keeps every span.

use std::sync::{Arc, Mutex};

use bellwether_clock::spawn;
use bellwether_server::bind;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTraceServiceRequest, ExportTraceServiceResponse,
        trace_service_server::{TraceService, TraceServiceServer},
    },
    common::v1::any_value::Value,
    trace::v1::Span,
};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// The receiver; it ends when it is dropped.
pub struct Collector {
    pub url: String,
    spans: Spans,
    task: JoinHandle<Result<(), tonic::transport::Error>>,
}

#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Spans {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let resources = request.into_inner().resource_spans;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

// === impl Collector ===

impl Collector {
    /// Listens on a free port.
    pub async fn start() -> Self {
        let listener = bind(std::net::SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let spans = Spans::default();
        let server = tonic::transport::Server::builder().add_service(TraceServiceServer::new(spans.clone()));
        let task = spawn("collector", server.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { url, spans, task }
    }

    /// Forgets what came so far.
    pub fn clear(&self) {
        self.spans.0.lock().unwrap().clear();
    }

    /// What came of this trace.
    pub fn of(&self, trace: u128) -> Vec<Span> {
        let spans = self.spans.0.lock().unwrap();
        spans.iter().filter(|span| span.trace_id == trace.to_be_bytes()).cloned().collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The text of an attribute of a span; empty: it has none.
pub fn attribute<'s>(span: &'s Span, key: &str) -> &'s str {
    let found = span.attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text,
        _ => "",
    }
}
