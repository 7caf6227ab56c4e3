//! An executor with everything around it.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_egress::AddressPolicy;
use bellwether_executor::{AllowList, Drivers, Hooks, MonitorSource, Parts, Service, Stop, assemble};
use bellwether_journal::{Journal, Options, SqliteJournal};
use bellwether_platform::fake::{Control, Fake};
use bellwether_proto::executor::v1::{self as pb, executor_service_client::ExecutorServiceClient};
use bellwether_rollout::FleetId;
use bellwether_server::{Metrics, ServeConfig, Server, Shutdown, bind};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::script::Script;

/// The target of most tests.
pub const TARGET: &str = "targets/shop@production";
/// Its name on the platform.
pub const SHOP: &str = "shop@production";

pub type Client = ExecutorServiceClient<Transport>;

/// What outlives the executor's process: the disk, the platform, the monitor.
pub struct World {
    pub dir: TempDir,
    pub env: Env,
    pub fake: Fake,
    pub script: Script,
    /// Whether the executor knows a monitor at all.
    pub monitored: bool,
}

/// A running executor in its world.
pub struct House {
    pub world: World,
    pub client: Client,
    process: Process,
}

struct Process {
    service: Service,
    server: JoinHandle<()>,
    shutdown: Shutdown,
}

// === impl World ===

impl World {
    pub fn new(script: Script) -> Self {
        let env = Env::system();
        let dir = tempfile::tempdir().unwrap();
        Self { fake: Fake::new(env.clone()), dir, env, script, monitored: true }
    }

    pub fn file(&self) -> std::path::PathBuf {
        self.dir.path().join("executor.db")
    }

    /// The parts of an executor in this world.
    pub fn parts(&self, shutdown: Shutdown) -> Parts {
        let allow = ["127.0.0.0/8".parse().unwrap()];
        let commands =
            ["true=/bin/true", "false=/bin/false", "sleep=/bin/sleep"].map(|it| it.parse().unwrap());
        Parts {
            drivers: Drivers::new().with("fake", Arc::new(self.fake.clone())),
            monitor: self.monitored.then(|| Arc::new(self.script.clone()) as Arc<dyn MonitorSource>),
            hooks: Hooks::new(AddressPolicy::allowing(allow.into()), AllowList::new(commands, None)).unwrap(),
            metrics: Metrics::new(),
            shutdown,
        }
    }
}

/// Opens the journal, as soon as the former owner has let it go.
pub async fn open(path: &Path, env: &Env) -> Arc<dyn Journal> {
    let options = Options { ballast_bytes: 0, standby: true, ..Options::new(env.clone()) };
    Arc::new(SqliteJournal::open(path, options).await.unwrap())
}

// === impl House ===

impl House {
    /// A new world with an executor whose segments pass at once.
    pub async fn passing() -> Self {
        Self::start(World::new(Script::new(Some(bellwether_proto::monitor::v1::Decision::Pass)))).await
    }

    /// A new world whose monitor says nothing by itself.
    pub async fn silent() -> Self {
        Self::start(World::new(Script::new(None))).await
    }

    pub async fn start(world: World) -> Self {
        let journal = open(&world.file(), &world.env).await;
        Self::over(world, journal).await
    }

    /// An executor over this journal.
    pub async fn over(world: World, journal: Arc<dyn Journal>) -> Self {
        let shutdown = Shutdown::new();
        let service = assemble(journal, world.env.clone(), world.parts(shutdown.clone())).await.unwrap();
        let config = ServeConfig { grace: Duration::from_millis(200), ..ServeConfig::default() };
        let server = service.register(Server::new(world.env.clone(), config, Metrics::new()));
        let listener = bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let ended = shutdown.clone();
        let server = spawn("server", async move { server.serve(listener, ended).await.unwrap() });
        let transport = Transport::builder(format!("http://{address}")).build().unwrap();
        let client = ExecutorServiceClient::new(transport);
        Self { world, client, process: Process { service, server, shutdown } }
    }

    /// Stops the process and starts another one in the same world.
    pub async fn restart(self) -> Self {
        Self::start(self.stop().await).await
    }

    /// Stops the process.
    pub async fn stop(self) -> World {
        self.process.shutdown.trigger();
        self.process.service.close().await;
        self.process.server.await.unwrap();
        self.world
    }

    /// Why it has stopped by itself, once it has.
    pub async fn stopped(&self) -> Option<Stop> {
        tokio::time::timeout(Duration::from_secs(10), self.process.shutdown.triggered()).await.unwrap();
        self.process.service.stopped_because()
    }

    pub fn hands(&self) -> Control {
        self.world.fake.control()
    }

    /// A target on the fake platform.
    pub async fn target(&mut self, instances: i32) -> pb::Target {
        self.apply(TARGET, instances).await
    }

    pub async fn apply(&mut self, name: &str, instances: i32) -> pb::Target {
        let target = pb::Target { name: name.into(), instances, ..pb::Target::default() };
        let request = pb::ApplyTargetRequest { target: Some(target), ..pb::ApplyTargetRequest::default() };
        self.client.apply_target(request).await.unwrap().into_inner().target.unwrap()
    }

    /// Starts a rollout of the target.
    pub async fn rollout(&mut self, request: pb::StartRolloutRequest) -> pb::Rollout {
        self.client.start_rollout(request).await.unwrap().into_inner().rollout.unwrap()
    }

    /// A target that runs version 1, brought in by a direct rollout.
    pub async fn stable(&mut self, instances: i32) -> pb::Rollout {
        self.target(instances).await;
        let rollout = self.rollout(direct("1")).await;
        self.ended(&rollout.name).await
    }

    pub async fn get(&mut self, name: &str) -> pb::Rollout {
        let request = pb::GetRolloutRequest { name: name.into() };
        self.client.get_rollout(request).await.unwrap().into_inner().rollout.unwrap()
    }

    pub async fn get_target(&mut self) -> pb::Target {
        let request = pb::GetTargetRequest { name: TARGET.into() };
        self.client.get_target(request).await.unwrap().into_inner().target.unwrap()
    }
}

/// What a version runs.
pub fn spec(version: &str) -> pb::FleetSpec {
    pb::FleetSpec {
        version: version.into(),
        command: vec!["shop".into(), version.into()],
        ..pb::FleetSpec::default()
    }
}

/// A rollout with quick policies: nothing is drained, recovery is short.
pub fn start(version: &str, strategy: pb::Strategy) -> pb::StartRolloutRequest {
    let policy = pb::RolloutPolicy {
        drain: Some(span(0)),
        keep: Some(span(600_000)),
        recovery_max: Some(span(2_000)),
        ..pb::RolloutPolicy::default()
    };
    pb::StartRolloutRequest {
        target: TARGET.into(),
        spec: Some(spec(version)),
        strategy: Some(strategy),
        policy: Some(policy),
        ..pb::StartRolloutRequest::default()
    }
}

pub fn direct(version: &str) -> pb::StartRolloutRequest {
    start(version, pb::Strategy { kind: pb::strategy::Kind::Direct.into(), ..pb::Strategy::default() })
}

/// 10, 50, 100 % with bakes that need nothing but a PASS.
pub fn canary(version: &str) -> pb::StartRolloutRequest {
    let bake = pb::Bake { min: Some(span(0)), ..pb::Bake::default() };
    let strategy = pb::Strategy {
        kind: pb::strategy::Kind::Canary.into(),
        weights_percent: vec![10.0, 50.0, 100.0],
        bake: Some(bake),
        ..pb::Strategy::default()
    };
    start(version, strategy)
}

pub fn span(millis: u64) -> bellwether_proto::Duration {
    Duration::from_millis(millis).into()
}

/// The fleet of a rollout.
pub fn fleet(rollout: &pb::Rollout) -> FleetId {
    FleetId(rollout.name.trim_start_matches("rollouts/").parse().unwrap())
}
