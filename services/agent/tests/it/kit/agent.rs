//! An agent as a process: supervisor, gateway and instances.

use std::{
    net::SocketAddr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use bellwether_proto::{
    agent::v1::{
        ConvergeRequest, Desired, DesiredFleet, DesiredRoute, Drain, Fence, ObserveRequest, Observed,
        agent_service_client::AgentServiceClient,
    },
    executor::v1::{Artifact, Check, FleetSpec, Ingress, Share, artifact, check},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tonic::transport::Channel;

use super::until;

pub const TARGET: &str = "targets/shop@test";
const JOURNAL: &str = "0197b5c8-0000-7000-8000-000000000001";

pub struct Agent {
    pub client: AgentServiceClient<Channel>,
    pub url: String,
    /// Where the application is reached.
    pub ingress: SocketAddr,
    pub directory: TempDir,
    /// What is wished for; changed and sent by `converge`.
    pub desired: Desired,
    pub generation: i64,
    child: Child,
    options: Vec<String>,
}

impl Agent {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    pub async fn with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        let ingress = free_address();
        let (child, url, client) = spawn(directory.path(), &options).await;
        let entry = Ingress { listen: ingress.to_string(), ..Ingress::default() };
        let desired = Desired { target: TARGET.into(), ingress: vec![entry], ..Desired::default() };
        Self { client, url, ingress, directory, desired, generation: 0, child, options }
    }

    /// Adds a fleet of the test application that calls itself by the fleet's id.
    pub fn fleet(&mut self, id: &str, count: i32) -> &mut DesiredFleet {
        let spec = FleetSpec {
            version: id.into(),
            artifact: Some(Artifact {
                source: Some(artifact::Source::Path(env!("CARGO_BIN_EXE_agent-test-server").into())),
                ..Artifact::default()
            }),
            env: [("NAME".to_owned(), id.to_owned())].into(),
            ready: Some(Check { kind: Some(check::Kind::HttpPath("/ready".into())), ..Check::default() }),
            stop_grace: Some(bellwether_proto::Duration { seconds: 2, nanos: 0 }),
            ..FleetSpec::default()
        };
        self.desired.fleets.push(DesiredFleet { id: id.into(), spec: Some(spec), count, protocol: 0 });
        self.desired.fleets.last_mut().unwrap()
    }

    /// Splits under the next revision.
    pub fn split(&mut self, split: &[(&str, f64)]) {
        let route = self.desired.route.get_or_insert_with(DesiredRoute::default);
        route.revision += 1;
        route.split = split
            .iter()
            .map(|(fleet, percent)| Share { fleet: (*fleet).into(), percent: *percent })
            .collect();
    }

    /// Drains a fleet within this time.
    pub fn drain(&mut self, fleet: &str, within: Duration) {
        let time_left = bellwether_proto::Duration {
            seconds: i64::try_from(within.as_secs()).unwrap(),
            nanos: i32::try_from(within.subsec_nanos()).unwrap(),
        };
        self.desired.drains = vec![Drain { fleet: fleet.into(), time_left: Some(time_left) }];
    }

    pub fn fence(&self) -> Fence {
        Fence { journal_id: JOURNAL.into(), epoch: 1, generation: self.generation }
    }

    /// Sends the wish as the next generation.
    pub async fn converge(&mut self) -> Observed {
        self.generation += 1;
        let request = ConvergeRequest { fence: Some(self.fence()), desired: Some(self.desired.clone()) };
        self.client.converge(request).await.unwrap().into_inner().observed.unwrap()
    }

    pub async fn observe(&self) -> Observed {
        let request = ObserveRequest { target: TARGET.into() };
        self.client.clone().observe(request).await.unwrap().into_inner().observed.unwrap()
    }

    /// Waits until the target is so.
    pub async fn until(&self, what: &str, holds: impl Fn(&Observed) -> bool) -> Observed {
        until(what, || async { holds(&self.observe().await) }).await;
        self.observe().await
    }

    /// Waits until this many instances of a fleet may get traffic.
    pub async fn until_ready(&self, fleet: &str, count: usize) -> Observed {
        self.until(&format!("{count} ready of {fleet}"), |observed| ready(observed, fleet) == count).await
    }

    /// One fleet with all traffic, ready.
    pub async fn with_fleet(id: &str, count: i32) -> Self {
        let mut agent = Self::start().await;
        agent.fleet(id, count);
        agent.split(&[(id, 100.0)]);
        agent.converge().await;
        agent.until_ready(id, usize::try_from(count).unwrap()).await;
        agent
    }

    /// Ends the supervisor by this signal and waits for its end.
    pub fn end_supervisor(&mut self, signal: Signal) {
        send(self.child.id(), signal);
        self.child.wait().unwrap();
    }

    /// Starts a supervisor on the same directory.
    pub async fn start_supervisor(&mut self) {
        (self.child, self.url, self.client) = spawn(self.directory.path(), &self.options).await;
    }

    pub fn signal_supervisor(&self, signal: Signal) {
        send(self.child.id(), signal);
    }

    /// The pid of the gateway at work.
    pub fn gateway(&self) -> i32 {
        let list = std::fs::read(self.directory.path().join("agent/gateway/gateways.json")).unwrap();
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        let current = list.as_array().unwrap().last().unwrap();
        i32::try_from(current["process"]["pid"].as_i64().unwrap()).unwrap()
    }

    /// The pids of the instances, by id.
    pub fn instances(&self) -> std::collections::BTreeMap<String, i32> {
        let files = std::fs::read_dir(self.directory.path().join("agent/instances")).unwrap();
        let records = files.filter_map(|file| {
            let record: serde_json::Value =
                serde_json::from_slice(&std::fs::read(file.unwrap().path()).ok()?).ok()?;
            let pid = i32::try_from(record["process"]["pid"].as_i64()?).ok()?;
            Some((record["id"].as_str()?.to_owned(), pid))
        });
        records.collect()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            send(self.child.id(), Signal::QUIT);
            let _ = self.child.wait();
        }
        // a test that has failed half-way may leave some
        for pid in self.instances().into_values() {
            send(u32::try_from(pid).unwrap(), Signal::KILL);
        }
    }
}

/// An address on which nobody listens now.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// How many instances of a fleet may get traffic.
pub fn ready(observed: &Observed, fleet: &str) -> usize {
    observed.instances.iter().filter(|instance| instance.fleet == fleet && instance.ready).count()
}

/// Sends a signal to a process.
pub fn send(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let _ = kill_process(pid, signal);
}

async fn spawn(directory: &Path, options: &[String]) -> (Child, String, AgentServiceClient<Channel>) {
    let address = directory.join("agent/address");
    let _ = std::fs::remove_file(&address);
    let log = std::fs::OpenOptions::new().create(true).append(true).open(directory.join("log")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_bellwether-agent"))
        .args(["supervisor", "--listen", "127.0.0.1:0", "--grace-seconds", "1", "--data-dir"])
        .arg(directory)
        .args(options)
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap();
    until("the agent's address", || std::future::ready(address.is_file())).await;
    let mut url = String::new();
    until("the agent to answer", || {
        url = format!("http://{}", std::fs::read_to_string(&address).unwrap().trim());
        let url = url.clone();
        async move { AgentServiceClient::connect(url).await.is_ok() }
    })
    .await;
    let client = AgentServiceClient::connect(url.clone()).await.unwrap();
    (child, url, client)
}
