//! A planner with everything around it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_executor::{AllowList, Drivers, Hooks, MonitorSource, Parts};
use bellwether_journal::{Journal, Options, SqliteJournal};
use bellwether_notifier::egress::AddressPolicy;
use bellwether_platform::fake::Fake;
use bellwether_proto::{
    executor::v1 as executor,
    monitor::v1::Decision,
    planner::v1::{
        WatchReleasesRequest, release_planner_service_client::ReleasePlannerServiceClient,
        watch_releases_response::Message,
    },
};
use bellwether_server::{
    IdentityFiles, Kind, Metrics, Role, ServeConfig, Server, Shutdown, Token, TokenFile, bind, secret_hash,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{clock::MovableClock, monitor::Monitor};

pub type Client = ReleasePlannerServiceClient<Transport>;
pub type ExecutorClient = executor::executor_service_client::ExecutorServiceClient<Transport>;

/// People with tokens, each under their name.
const PEOPLE: [(&str, &[Role]); 4] = [
    ("alice", &[Role::Requester, Role::Approver, Role::Operator]),
    ("bob", &[Role::Approver]),
    ("carol", &[Role::Approver, Role::Operator]),
    ("admin", &[Role::Admin]),
];

/// What outlives processes: disks, addresses, the platform, the monitor.
pub struct World {
    pub dir: TempDir,
    pub clock: MovableClock,
    pub env: Env,
    pub fake: Fake,
    pub monitor: Monitor,
    /// Where the planner asks how long bakes must be.
    pub statistics: Option<Transport>,
    planner_address: SocketAddr,
    executor_address: SocketAddr,
}

/// A planner and an executor, either of which may be stopped.
pub struct House {
    pub world: World,
    pub client: Client,
    pub executor: ExecutorClient,
    /// A token of the stream of releases from before the first one.
    pub beginning: String,
    planner: Option<Process>,
    executor_process: Option<Process>,
}

struct Process {
    shutdown: Shutdown,
    server: JoinHandle<()>,
    journal: Arc<dyn Journal>,
}

// === impl World ===

impl World {
    async fn new(decision: Option<Decision>) -> Self {
        let clock = MovableClock::default();
        let env = Env::new(clock.clone());
        let world = Self {
            fake: Fake::new(env.clone()),
            dir: tempfile::tempdir().unwrap(),
            monitor: Monitor::new(decision),
            statistics: None,
            planner_address: free().await,
            executor_address: free().await,
            clock,
            env,
        };
        let token = |(name, roles): (&str, &[Role])| Token {
            principal: name.into(),
            kind: Kind::Human,
            sha256: secret_hash(name),
            roles: roles.to_vec(),
            team: None,
            applications: Vec::new(),
            acts_for_others: false,
        };
        TokenFile { tokens: PEOPLE.map(token).to_vec() }.write(&world.identity().tokens.unwrap()).unwrap();
        world
    }

    /// Both services know each other by one token.
    fn identity(&self) -> IdentityFiles {
        let file = |name: &str| Some(self.dir.path().join(name));
        IdentityFiles { tokens: file("tokens.toml"), service_token: file("service.token") }
    }

    fn server(&self) -> Server {
        let config = ServeConfig {
            grace: Duration::from_millis(200),
            identity: self.identity(),
            ..ServeConfig::default()
        };
        Server::new(self.env.clone(), config, Metrics::new())
    }

    async fn journal(&self, name: &str) -> Arc<dyn Journal> {
        open(&self.dir.path().join(name), &self.env).await
    }

    async fn start_executor(&self) -> Process {
        let shutdown = Shutdown::new();
        let parts = Parts {
            drivers: Drivers::new().with("fake", Arc::new(self.fake.clone())),
            monitor: Some(Arc::new(self.monitor.clone()) as Arc<dyn MonitorSource>),
            hooks: Hooks::new(AddressPolicy::allowing(Vec::new()), AllowList::new([], None)).unwrap(),
            metrics: Metrics::new(),
            shutdown: shutdown.clone(),
        };
        let journal = self.journal("executor.db").await;
        let service = bellwether_executor::assemble(journal.clone(), self.env.clone(), parts).await.unwrap();
        let server = service.register(self.server());
        Process::serve(server, self.executor_address, shutdown, journal).await
    }

    async fn start_planner(&self) -> Process {
        let shutdown = Shutdown::new();
        let journal = self.journal("release-planner.db").await;
        let token =
            bellwether_server::ensure_service_token(&self.identity().service_token.unwrap(), &self.env)
                .unwrap();
        let executor = Transport::builder(format!("http://{}", self.executor_address))
            .token(token)
            .service(bellwether_release_planner::NAME)
            .build()
            .unwrap();
        let (env, metrics) = (self.env.clone(), Metrics::new());
        let others = bellwether_release_planner::Others { executor, monitor: self.statistics.clone() };
        let service =
            bellwether_release_planner::assemble(journal.clone(), others, env, metrics, shutdown.clone());
        let server = service.await.unwrap().register(self.server());
        Process::serve(server, self.planner_address, shutdown, journal).await
    }
}

/// Opens a journal as soon as its former owner has let it go.
async fn open(path: &Path, env: &Env) -> Arc<dyn Journal> {
    let options = Options { ballast_bytes: 0, standby: true, ..Options::new(env.clone()) };
    Arc::new(SqliteJournal::open(path, options).await.unwrap())
}

/// An address that nobody listens on.
async fn free() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    listener.local_addr().unwrap()
}

// === impl Process ===

impl Process {
    async fn serve(
        server: Server,
        address: SocketAddr,
        shutdown: Shutdown,
        journal: Arc<dyn Journal>,
    ) -> Self {
        let listener = bind(address).await.unwrap();
        let ended = shutdown.clone();
        let server = spawn("server", async move { server.serve(listener, ended).await.unwrap() });
        Self { shutdown, server, journal }
    }

    async fn stop(self) {
        self.shutdown.trigger();
        self.server.await.unwrap();
        self.journal.close().await;
    }
}

// === impl House ===

impl House {
    /// Segments pass at once.
    pub async fn passing() -> Self {
        Self::new(Some(Decision::Pass)).await
    }

    /// Segments get this decision; none: nothing until the test says so.
    pub async fn new(decision: Option<Decision>) -> Self {
        let world = World::new(decision).await;
        let executor_process = Some(world.start_executor().await);
        let planner = Some(world.start_planner().await);
        let client = ReleasePlannerServiceClient::new(transport(world.planner_address, None));
        let executor = ExecutorClient::new(transport(world.executor_address, None));
        let mut house = Self { world, client, executor, beginning: String::new(), planner, executor_process };
        house.beginning = house.current().await;
        house
    }

    /// Runs a real health-monitor that the planner asks how long bakes must be. It ends with its runtime.
    pub async fn with_statistics(&mut self) {
        let address = free().await;
        self.ask_statistics_at(address).await;
        let config = bellwether_health_monitor::Config {
            journal: "memory:".to_owned(),
            standby: false,
            evidence: None,
            sources: bellwether_health_monitor::SourcesArgs::default(),
        };
        let (env, metrics) = (self.world.env.clone(), Metrics::new());
        let service = bellwether_health_monitor::build(config, env, &metrics).await.unwrap();
        let server = service.register(self.world.server());
        let listener = bind(address).await.unwrap();
        spawn("statistics", async move {
            let _service = service;
            server.serve(listener, Shutdown::new()).await.unwrap();
        });
    }

    /// Has the planner ask a health-monitor that may not be there.
    pub async fn without_statistics(&mut self) {
        let address = free().await;
        self.ask_statistics_at(address).await;
    }

    async fn ask_statistics_at(&mut self, address: SocketAddr) {
        self.world.statistics = Some(transport(address, None));
        self.stop_planner().await;
        self.start_planner().await;
    }

    /// The token of the stream of releases now.
    async fn current(&mut self) -> String {
        let request = WatchReleasesRequest::default();
        let mut stream = self.client.watch_releases(request).await.unwrap().into_inner();
        loop {
            if let Message::Current(current) = stream.message().await.unwrap().unwrap().message.unwrap() {
                return current.resume_token;
            }
        }
    }

    /// Calls with somebody's token.
    pub fn as_person(&self, name: &str) -> Client {
        ReleasePlannerServiceClient::new(transport(self.world.planner_address, Some(name)))
    }

    pub async fn stop_planner(&mut self) {
        self.planner.take().unwrap().stop().await;
    }

    pub async fn start_planner(&mut self) {
        self.planner = Some(self.world.start_planner().await);
    }

    pub async fn stop_executor(&mut self) {
        self.executor_process.take().unwrap().stop().await;
    }

    pub async fn start_executor(&mut self) {
        self.executor_process = Some(self.world.start_executor().await);
    }
}

fn transport(address: SocketAddr, token: Option<&str>) -> Transport {
    let builder = Transport::builder(format!("http://{address}"));
    match token {
        Some(token) => builder.token(token),
        None => builder,
    }
    .build()
    .unwrap()
}
