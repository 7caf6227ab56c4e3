//! A whole notifier, served on a free port.

use std::{net::SocketAddr, path::Path, time::Duration};

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_notifier::{Config, NotifierArgs, Service, build};
use bellwether_proto::notifier::v1::{self as pb, notifier_service_client::NotifierServiceClient};
use bellwether_server::{Metrics, ServeConfig, Server, Shutdown, bind};
use clap::Parser;
use serde_json::json;
use tokio::task::JoinHandle;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    serve: bellwether_server::ServeArgs,
    #[command(flatten)]
    notifier: NotifierArgs,
}

/// A notifier at work.
pub struct Process {
    pub client: NotifierServiceClient<Transport>,
    service: Service,
    shutdown: Shutdown,
    serving: JoinHandle<()>,
}

impl Process {
    /// With its journal in `dir`, told `more` on its command line.
    pub async fn start(dir: &Path, more: &[&str]) -> Self {
        let dir = dir.display().to_string();
        let fixed = ["notifier", "--data-dir", dir.as_str(), "--webhook-network", "127.0.0.0/8"];
        let args = Arguments::parse_from([&fixed, more].concat());
        let mut config = Config::new(&args.serve, args.notifier);
        config.retry.delays = [0, 20, 40, 80, 160, 320, 640].map(Duration::from_millis).to_vec();
        config.breaker.pause = Duration::from_millis(50);
        let (env, metrics, shutdown) = (Env::system(), Metrics::new(), Shutdown::new());
        let service = build(config, env.clone(), &metrics, shutdown.clone()).await.unwrap();
        let server = service.register(Server::new(env, ServeConfig::default(), metrics));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = shutdown.clone();
        let serving = spawn("serving", async move { server.serve(listener, stop).await.unwrap() });
        let client = NotifierServiceClient::new(Transport::builder(url).build().unwrap());
        Self { client, service, shutdown, serving }
    }

    /// Everything to one webhook.
    pub async fn route_to(&mut self, url: &str) {
        let routing = json!({
            "receivers": [{
                "name": "hook",
                "webhook": {"url": url, "timeout": "5s"},
                "rateLimit": {"perSecond": 1000.0, "burst": 1000},
            }],
            "route": {"receiver": "hook"},
        });
        self.client.apply_routing(apply(routing)).await.unwrap();
    }

    pub async fn stop(self) {
        self.shutdown.trigger();
        self.serving.await.unwrap();
        self.service.close().await;
    }
}

pub fn apply(routing: serde_json::Value) -> pb::ApplyRoutingRequest {
    let routing = Some(serde_json::from_value(routing).unwrap());
    pb::ApplyRoutingRequest { routing, ..Default::default() }
}
