//! Starts a server with the fake executor.

use std::{net::SocketAddr, time::Duration};

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_proto::executor::v1::executor_service_client::ExecutorServiceClient;
use bellwether_server::{IdentityFiles, Metrics, ServeConfig, Server, Shutdown, bind, ensure_service_token};
use tempfile::TempDir;

use crate::fake::Fake;

pub struct Running {
    pub address: SocketAddr,
    pub shutdown: Shutdown,
    pub dir: TempDir,
}

impl Running {
    pub fn client(&self) -> ExecutorServiceClient<Transport> {
        ExecutorServiceClient::new(self.transport())
    }

    pub fn transport(&self) -> Transport {
        Transport::builder(format!("http://{}", self.address)).build().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

pub async fn start(fake: Fake) -> Running {
    start_at(fake, SocketAddr::from(([127, 0, 0, 1], 0))).await
}

pub async fn start_at(fake: Fake, address: SocketAddr) -> Running {
    let dir = tempfile::tempdir().unwrap();
    let identity = IdentityFiles { tokens: None, service_token: Some(dir.path().join("service.token")) };
    let config = ServeConfig { identity, grace: Duration::from_millis(50), ..ServeConfig::default() };
    ensure_service_token(&dir.path().join("service.token"), &Env::system()).unwrap();
    let listener = bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(Env::system(), config, Metrics::new()).add_service(fake);
    let shutdown = Shutdown::new();
    drop(spawn("served", server.serve(listener, shutdown.clone())));
    Running { address, shutdown, dir }
}
