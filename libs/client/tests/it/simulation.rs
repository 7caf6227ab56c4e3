//! Server and clients on a simulated network that is cut and repaired.

use std::{io, net::SocketAddr, time::Duration};

use bellwether_client::{Transport, Watch, WatchEvent};
use bellwether_clock::Env;
use bellwether_proto::executor::v1::{WatchTargetsRequest, executor_service_client::ExecutorServiceClient};
use bellwether_server::{
    IdentityFiles, Kind, Listener, Metrics, Role, ServeConfig, Server, Shutdown, Token, TokenFile,
    secret_hash,
};
use http::Uri;
use hyper_util::rt::TokioIo;
use tower::service_fn;
use turmoil::net::{TcpListener, TcpStream};

use crate::fake::{Fake, changed, current, snapshot};

const PORT: u16 = 7420;

struct Simulated(TcpListener);

impl Listener for Simulated {
    type Io = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.0.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Identities whose only token is `watcher`.
fn identities(dir: &tempfile::TempDir) -> IdentityFiles {
    let path = dir.path().join("tokens.toml");
    let token = Token {
        principal: "watcher".into(),
        kind: Kind::Service,
        sha256: secret_hash("watcher"),
        roles: vec![Role::Viewer],
        team: None,
        applications: Vec::new(),
        acts_for_others: false,
    };
    TokenFile { tokens: vec![token] }.write(&path).unwrap();
    IdentityFiles { tokens: Some(path), service_token: None }
}

fn transport() -> Transport {
    let connect = |uri: Uri| async move {
        let host = uri.host().unwrap().to_owned();
        TcpStream::connect((host, PORT)).await.map(TokioIo::new)
    };
    Transport::builder(format!("http://server:{PORT}"))
        .token("watcher")
        .build_with(move |endpoint| endpoint.connect_with_connector_lazy(service_fn(connect)))
        .unwrap()
}

#[test]
fn a_watch_survives_a_partition() {
    let dir = tempfile::tempdir().unwrap();
    let identity = identities(&dir);
    let fake = Fake::with_sessions(vec![vec![snapshot("a", 1), current("t1")], vec![changed("a", 2, "t2")]]);
    let tokens = fake.tokens.clone();
    let mut sim = turmoil::Builder::new().simulation_duration(Duration::from_secs(600)).build();
    sim.host("server", move || {
        let (fake, identity) = (fake.clone(), identity.clone());
        async move {
            let listener = Simulated(TcpListener::bind(("0.0.0.0", PORT)).await?);
            let config = ServeConfig { identity, insecure: true, ..ServeConfig::default() };
            let server = Server::new(Env::system(), config, Metrics::new()).add_service(fake);
            Ok(server.serve(listener, Shutdown::new()).await?)
        }
    });
    sim.client("watcher", async {
        let client = ExecutorServiceClient::new(transport());
        let mut watch = Watch::new(Env::system(), move |resume_token| {
            let (mut client, filter) = (client.clone(), String::new());
            async move { client.watch_targets(WatchTargetsRequest { filter, resume_token }).await }
        });
        assert!(matches!(watch.next().await?, WatchEvent::Snapshot(_)));
        assert_eq!(watch.next().await?, WatchEvent::Current);
        turmoil::partition("watcher", "server");
        let cut = tokio::time::timeout(Duration::from_secs(120), watch.next()).await;
        assert!(cut.is_err(), "nothing comes through, and nothing is told to the consumer");
        turmoil::repair("watcher", "server");
        let WatchEvent::Changed { change, .. } = watch.next().await? else { panic!("the change is missing") };
        assert_eq!(change.version, 2);
        Ok(())
    });
    sim.run().unwrap();
    assert_eq!(*tokens.lock().unwrap(), ["", "t1"]);
}
