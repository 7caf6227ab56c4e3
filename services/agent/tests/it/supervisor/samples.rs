//! The gateway's counters on their way to the health-monitor.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bellwether_clock::spawn;
use bellwether_proto::monitor::v1::{PushSamplesRequest, PushSamplesResponse, SampleBatch, TrafficKind};
use futures::future::BoxFuture;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, Streaming, body::Body, server::NamedService};

use crate::kit::{Agent, Client, until};

/// As much of a health-monitor as an agent calls.
#[derive(Clone, Default)]
struct Monitor(Arc<Mutex<Vec<SampleBatch>>>);

impl NamedService for Monitor {
    const NAME: &'static str = "bellwether.monitor.v1.HealthMonitorService";
}

impl tonic::server::ClientStreamingService<PushSamplesRequest> for Monitor {
    type Response = PushSamplesResponse;
    type Future = BoxFuture<'static, Result<Response<PushSamplesResponse>, Status>>;

    fn call(&mut self, request: Request<Streaming<PushSamplesRequest>>) -> Self::Future {
        let batches = self.0.clone();
        Box::pin(async move {
            let mut stream = request.into_inner();
            while let Some(message) = stream.message().await? {
                batches.lock().unwrap().extend(message.batch);
            }
            Ok(Response::new(PushSamplesResponse::default()))
        })
    }
}

impl tower::Service<http::Request<Body>> for Monitor {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let monitor = self.clone();
        Box::pin(async move {
            let codec = tonic_prost::ProstCodec::<PushSamplesResponse, PushSamplesRequest>::default();
            Ok(tonic::server::Grpc::new(codec).client_streaming(monitor, request).await)
        })
    }
}

impl Monitor {
    /// Serves on this listener until the handle is aborted.
    fn serve(&self, listener: TcpListener) -> tokio::task::JoinHandle<()> {
        let server = tonic::transport::Server::builder().add_service(self.clone());
        spawn("monitor", async move {
            server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap()
        })
    }

    /// The requests of a fleet, as the newest batch tells them.
    fn requests(&self, fleet: &str) -> Option<u64> {
        let batches = self.0.lock().unwrap();
        let samples = batches.last()?.samples.iter().filter(|sample| sample.fleet == fleet);
        Some(samples.map(|sample| sample.requests).sum())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn samples_arrive_and_nothing_is_lost_while_the_monitor_is_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let monitor = Monitor::default();
    let server = monitor.serve(listener);
    let mut agent = Agent::with(&["--monitor", &format!("http://{address}")]).await;
    agent.fleet("stable", 1);
    agent.split(&[("stable", 100.0)]);
    agent.converge().await;
    agent.until_ready("stable", 1).await;
    let client = Client::new(agent.ingress);
    client.get("/").await;
    until("the first sample", || std::future::ready(monitor.requests("stable") == Some(1))).await;
    {
        let batches = monitor.0.lock().unwrap();
        let batch = batches.last().unwrap();
        assert!(batch.source.starts_with("gateway/") && !batch.incarnation.is_empty());
        let sample = batch.samples.iter().find(|sample| sample.requests == 1).unwrap();
        assert_eq!((sample.target.as_str(), sample.route_revision), (crate::kit::TARGET, 1));
        assert_eq!((sample.traffic(), sample.errors), (TrafficKind::Live, 0));
        let latency = sample.latency.as_ref().unwrap();
        assert_eq!((latency.scale, latency.counts.iter().sum::<u64>()), (3, 1));
    }
    server.abort();
    let _ = server.await;
    for _ in 0..5 {
        client.get("/status/500").await;
    }
    let server = monitor.serve(TcpListener::bind(address).await.unwrap());
    until("the requests of meanwhile", || std::future::ready(monitor.requests("stable") == Some(6))).await;
    server.abort();
}
