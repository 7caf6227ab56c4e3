//! A whole Bellwether as users run it, on free ports, in a directory of its own: `bellwether up` with its agent, or each
//! service as a process.

mod clients;
mod launch;
mod setup;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::Context as _;
use bellwether_client::Transport;
use bellwether_clock::Env;

use self::launch::Plan;
pub use self::setup::{Part, Setup, Shape};
pub use crate::ports::free_address;
use crate::{ports::PortRange, process::Process, wait::until};

/// Running services; ended with everything that they started when it is dropped.
pub struct Stack {
    processes: Mutex<BTreeMap<Part, Process>>,
    transports: BTreeMap<Part, Transport>,
    plan: Plan,
    _directory: tempfile::TempDir,
    ports: PortRange,
}

// === impl Stack ===

impl Stack {
    /// Starts `bellwether up` with its agent, and waits until it serves. `program` is the file of `bellwether`.
    ///
    /// # Errors
    /// When it does not serve; the message has its log.
    pub async fn up(program: &str) -> anyhow::Result<Self> {
        Self::start(Setup::one(program)).await
    }

    /// As [`Stack::up`] with more arguments and environment variables.
    ///
    /// # Errors
    /// As [`Stack::up`].
    pub async fn up_with(program: &str, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let args = args.iter().map(|word| (*word).to_owned()).collect();
        let setup = Setup { args, ..Setup::one(program) };
        Self::start(env.iter().fold(setup, |setup, (name, value)| setup.env(name, value))).await
    }

    /// Starts what is asked for, and waits until all of it serves.
    ///
    /// # Errors
    /// When a part does not serve; the message has its log.
    pub async fn start(setup: Setup) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("bw-").tempdir()?;
        let ports = PortRange::take()?;
        let plan = Plan {
            data_dir: setup.data_dir.clone().unwrap_or_else(|| directory.path().join("data")),
            logs: directory.path().to_owned(),
            addresses: addresses(setup.shape)?,
            instance_ports: ports.text()?,
            fake_control: free_address()?,
            setup,
        };
        let mut transports = BTreeMap::new();
        for (part, address) in &plan.addresses {
            transports.insert(*part, Transport::builder(format!("http://{address}")).build()?);
        }
        let stack = Self { processes: Mutex::default(), transports, plan, _directory: directory, ports };
        stack.start_all().await?;
        Ok(stack)
    }

    async fn start_all(&self) -> anyhow::Result<()> {
        let parts: &[Part] = match (self.plan.setup.shape, self.plan.setup.fake) {
            (Shape::One, _) => &[Part::Executor],
            (Shape::Four, true) => &Part::SERVICES,
            (Shape::Four, false) => {
                &[Part::Agent, Part::Monitor, Part::Executor, Part::Planner, Part::Notifier]
            }
        };
        for part in parts {
            self.launch(*part, &[])?;
        }
        for part in parts {
            self.serving(*part).await?;
        }
        Ok(())
    }

    /// Starts the process of a part, which is gone, without waiting for it.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn launch(&self, part: Part, env: &[(&str, &str)]) -> anyhow::Result<()> {
        let process = self.plan.launch(part, env)?;
        self.running().insert(self.plan.home(part), process);
        Ok(())
    }

    /// Starts the process of a part again after it was killed or stopped, and waits until it serves.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn again(&self, part: Part) -> anyhow::Result<()> {
        self.launch(part, &[])?;
        self.serving(part).await
    }

    /// Starts `up` again after it was killed or stopped.
    ///
    /// # Errors
    /// As [`Stack::start`].
    pub async fn up_again(&self) -> anyhow::Result<()> {
        self.again(Part::Executor).await
    }

    /// Waits until a part serves.
    ///
    /// # Errors
    /// When it does not; the message has its log.
    pub async fn serving(&self, part: Part) -> anyhow::Result<()> {
        let served = until("it serves", || async { self.answers(part).await.then_some(()) }).await;
        served.with_context(|| format!("the log of {}:\n{}", part.name(), self.log(part)))
    }

    /// The process of a part.
    ///
    /// # Panics
    /// When it was never started.
    pub fn process_of(&mut self, part: Part) -> &mut Process {
        let home = self.plan.home(part);
        let processes = self.processes.get_mut().unwrap_or_else(PoisonError::into_inner);
        processes.get_mut(&home).unwrap_or_else(|| panic!("{} was not started", part.name()))
    }

    /// `kill -9` of the process of a part, also while others use the stack; waits until it is gone.
    ///
    /// # Errors
    /// When it was never started, or the system does not say.
    pub fn kill(&self, part: Part) -> anyhow::Result<()> {
        let mut running = self.running();
        let process = running.get_mut(&self.plan.home(part)).context("it was not started")?;
        process.kill().map(drop)
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<Part, Process>> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process of `up`, or of the executor.
    pub fn process(&mut self) -> &mut Process {
        self.process_of(Part::Executor)
    }

    /// What the process of a part wrote.
    pub fn log(&self, part: Part) -> String {
        std::fs::read_to_string(self.plan.log(part)).unwrap_or_default()
    }

    /// How the services are spread over processes.
    pub fn shape(&self) -> Shape {
        self.plan.setup.shape
    }

    /// Its data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.plan.data_dir.clone()
    }

    /// Where a part serves.
    ///
    /// # Errors
    /// When it has no address of its own: the agent of `up`.
    pub fn address(&self, part: Part) -> anyhow::Result<SocketAddr> {
        self.plan.address(part)
    }

    /// Where the executor serves, and in one process all four.
    pub fn listen(&self) -> SocketAddr {
        self.plan.addresses[&Part::Executor]
    }

    /// Where its instances may be.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn instance_addresses(&self) -> anyhow::Result<Vec<SocketAddr>> {
        Ok(self.ports.ports()?.map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect())
    }

    /// Where the hands of the fake platform are.
    pub fn fake_control(&self) -> SocketAddr {
        self.plan.fake_control
    }

    /// Runs a command of the command line against it, and returns its exit code, standard output and standard error.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn cli(&self, args: &[&str]) -> anyhow::Result<(i32, String, String)> {
        let output = tokio::process::Command::new(self.program())
            .args(["--server", &format!("http://{}", self.address(Part::Executor)?)])
            .args(args)
            .env("BELLWETHER_DATA_DIR", self.data_dir())
            .output()
            .await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.plan.setup.program
    }

    /// The real surroundings.
    pub fn env(&self) -> Env {
        Env::system()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // ends the services of `up`, the agent, the gateway and the instances
        let down = std::process::Command::new(self.program())
            .arg("down")
            .arg("--data-dir")
            .arg(self.data_dir())
            .output();
        match down {
            Ok(output) if output.status.success() => {}
            Ok(output) => eprintln!("down: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => eprintln!("down: {error}"),
        }
    }
}

fn addresses(shape: Shape) -> anyhow::Result<BTreeMap<Part, SocketAddr>> {
    let one = free_address()?;
    let mut addresses: BTreeMap<Part, SocketAddr> = Part::SERVICES.map(|part| (part, one)).into();
    if shape == Shape::Four {
        for part in [Part::Agent, Part::Monitor, Part::Executor, Part::Planner, Part::Notifier] {
            addresses.insert(part, free_address()?);
        }
    }
    Ok(addresses)
}
