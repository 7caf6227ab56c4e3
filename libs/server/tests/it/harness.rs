//! Starts a server, and calls it.

use std::{net::SocketAddr, time::Duration};

use bellwether_clock::{Env, spawn};
use bellwether_server::{IdentityFiles, Metrics, Readiness, ServeConfig, Server, Shutdown, StartError, bind};
use http::uri::PathAndQuery;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::{Request, Response, Status, Streaming, client::Grpc, transport::Channel};
use tonic_types::StatusExt as _;

use crate::echo::{Codec, Echo, descriptors};

pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub readiness: Readiness,
    pub dir: TempDir,
    pub served: JoinHandle<Result<(), StartError>>,
}

/// Configuration whose files are in `dir`.
pub fn config(dir: &TempDir) -> ServeConfig {
    ServeConfig {
        identity: IdentityFiles {
            tokens: Some(dir.path().join("tokens.toml")),
            service_token: Some(dir.path().join("service.token")),
        },
        reload_every: Duration::from_millis(20),
        ..ServeConfig::default()
    }
}

pub async fn start(change: impl FnOnce(&mut ServeConfig)) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    change(&mut config);
    start_with(dir, config).await
}

pub async fn start_with(dir: TempDir, config: ServeConfig) -> Running {
    let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server =
        Server::new(Env::system(), config, Metrics::new()).descriptors(descriptors()).add_service(Echo);
    let (readiness, shutdown) = (server.readiness(), Shutdown::new());
    let served = spawn("served", server.serve(listener, shutdown.clone()));
    Running { address, shutdown, readiness, dir, served }
}

impl Running {
    pub async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    pub async fn stop(self) {
        self.shutdown.trigger();
        self.served.await.unwrap().unwrap();
    }
}

pub async fn unary(
    channel: &Channel,
    method: &str,
    request: Request<Vec<u8>>,
) -> Result<Response<Vec<u8>>, Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    grpc.unary(request, path(method), Codec::default()).await
}

pub async fn follow(channel: &Channel, request: Request<Vec<u8>>) -> Result<Streaming<Vec<u8>>, Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.unwrap();
    grpc.server_streaming(request, path("Follow"), Codec::default()).await.map(Response::into_inner)
}

pub fn request(body: &[u8]) -> Request<Vec<u8>> {
    Request::new(body.to_vec())
}

pub fn with_token(mut request: Request<Vec<u8>>, token: &str) -> Request<Vec<u8>> {
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

pub fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

fn path(method: &str) -> PathAndQuery {
    format!("/test.v1.EchoService/{method}").parse().unwrap()
}
