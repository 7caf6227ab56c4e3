//! The agent beside the services: how it is started, found, kept alive and stopped.

use std::{
    ffi::OsString,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use bellwether_agent::{Command, supervisor::Holder, supervisor::Lock};
use bellwether_server::Shutdown;
use clap::Parser as _;
use rustix::process::Signal;
use tokio::process::Child;

/// How long an agent may take until it serves, or until it has ended.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(50);

/// How `up` treats the agent.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AgentOptions {
    /// Ports for instances, FIRST-LAST [default: those of the agent]
    #[arg(long, value_name = "FIRST-LAST")]
    pub instance_ports: Option<String>,
    /// End the agent with everything that it runs when this process ends.
    #[arg(long)]
    pub stop_all_at_end: bool,
}

/// The agent's processes.
#[derive(clap::Parser)]
#[command(name = "bellwether agent", bin_name = "bellwether agent", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// A running agent that is looked after.
pub struct Agent {
    data_dir: PathBuf,
    monitor: String,
    options: AgentOptions,
    address: String,
    child: Option<Child>,
}

/// Which of the agent's processes this one is to be, where `agent` is the first argument. They stay for long, so they are
/// parsed without the other commands, whose descriptions would stay in memory with them.
pub fn command() -> Option<Command> {
    let mut arguments = std::env::args_os().skip(1).peekable();
    arguments.peek().is_some_and(|first| first == "agent").then(|| Arguments::parse_from(arguments).command)
}

/// Runs one of the agent's processes.
pub fn run(command: Command) -> ExitCode {
    bellwether_agent::run(command, vec![OsString::from("agent")])
}

/// The directory of the agent's files.
pub fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("agent")
}

/// Where the agent of this data directory listens: as its lock says, or as it said last.
///
/// # Errors
/// When there has never been one.
pub fn find(data_dir: &Path) -> anyhow::Result<String> {
    let directory = directory(data_dir);
    if let Some(holder) = Lock::holder(&directory) {
        return Ok(holder.address);
    }
    let file = directory.join("address");
    let text = fs::read_to_string(&file).with_context(|| {
        format!(
            "no agent is known in {}; name the directory of `bellwether up` with BELLWETHER_DATA_DIR, or the agent with BELLWETHER_AGENT",
            data_dir.display()
        )
    })?;
    Ok(text.trim().to_owned())
}

// === impl Agent ===

impl Agent {
    /// Finds the agent of this data directory, or starts one. It pushes its samples to `monitor`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn ensure(data_dir: &Path, monitor: &str, options: AgentOptions) -> anyhow::Result<Self> {
        let mut agent = Self {
            data_dir: data_dir.to_owned(),
            monitor: monitor.to_owned(),
            options,
            address: String::new(),
            child: None,
        };
        match Lock::holder(&directory(data_dir)) {
            Some(holder) if agent.suits(&holder) => agent.address = holder.address,
            Some(holder) => {
                tracing::info!("the agent is started anew: it is of another version, or pushes elsewhere");
                end_holder(&directory(data_dir), Signal::TERM).await?;
                agent.start(&holder.address).await?;
            }
            None => {
                let last = find(data_dir).unwrap_or_else(|_| "127.0.0.1:0".to_owned());
                agent.start(&last).await?;
            }
        }
        Ok(agent)
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Starts it again whenever it is gone, until `shutdown`.
    pub async fn look_after(&mut self, shutdown: &Shutdown) {
        let mut every = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                () = shutdown.triggered() => return,
                _ = every.tick() => {}
            }
            if let Some(child) = &mut self.child {
                // takes the exit status, so that no zombie stays
                let _ = child.try_wait();
            }
            if Lock::holder(&directory(&self.data_dir)).is_some() {
                continue;
            }
            tracing::warn!("the agent is gone; starting it again");
            let address = self.address.clone();
            if let Err(error) = self.start(&address).await {
                tracing::error!(error = format!("{error:#}"), "the agent does not start");
            }
        }
    }

    /// What it was started for is what is wanted now.
    fn suits(&self, holder: &Holder) -> bool {
        let pushes_to = fs::read_to_string(self.monitor_file()).unwrap_or_default();
        holder.version == env!("CARGO_PKG_VERSION") && pushes_to.trim() == self.monitor
    }

    fn monitor_file(&self) -> PathBuf {
        directory(&self.data_dir).join("monitor")
    }

    /// Starts one on this address, or on a free port where that is taken, and waits until it serves.
    async fn start(&mut self, listen: &str) -> anyhow::Result<()> {
        let directory = directory(&self.data_dir);
        fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
        fs::write(self.monitor_file(), &self.monitor)?;
        let log_file = directory.join("agent.log");
        let log = fs::File::options().create(true).append(true).open(&log_file)?;
        let program = std::env::current_exe().context("cannot find this program's file")?;
        let mut command = tokio::process::Command::new(program);
        command.args([
            "agent",
            "supervisor",
            "--own-session",
            "--listen",
            listen,
            "--monitor",
            &self.monitor,
        ]);
        command.arg("--data-dir").arg(&self.data_dir);
        if let Some(ports) = &self.options.instance_ports {
            command.args(["--instance-ports", ports]);
        }
        command.env_remove("BELLWETHER_LISTEN");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().context("cannot start the agent")?;
        let served = eventually(|| match (Lock::holder(&directory), child.try_wait()) {
            (Some(holder), _) => ControlFlow::Break(Ok(holder.address)),
            (None, Ok(Some(status))) => ControlFlow::Break(Err(status)),
            (None, _) => ControlFlow::Continue(()),
        })
        .await;
        match served {
            Some(Ok(address)) => {
                self.address = address;
                self.child = Some(child);
                Ok(())
            }
            Some(Err(status)) => bail!("the agent ended at once ({status}); see {}", log_file.display()),
            None => bail!("the agent does not serve after {PATIENCE:?}; see {}", log_file.display()),
        }
    }
}

/// Ends the agent of this data directory with its gateway and all instances. Returns whether there was one.
///
/// # Errors
/// When it does not end.
pub async fn stop(data_dir: &Path) -> anyhow::Result<bool> {
    // SIGQUIT ends everything, SIGTERM the supervisor alone
    end_holder(&directory(data_dir), Signal::QUIT).await
}

/// Signals whoever holds the lock of this directory, and waits until it is free. Returns whether there was one.
///
/// # Errors
/// When it does not end.
pub async fn end_holder(directory: &Path, signal: Signal) -> anyhow::Result<bool> {
    let Some(holder) = Lock::holder(directory) else { return Ok(false) };
    holder.process.signal(signal);
    let ended = eventually(|| match Lock::take(directory) {
        Ok(_) => ControlFlow::Break(()),
        Err(_) => ControlFlow::Continue(()),
    });
    let pid = holder.process.pid;
    ended
        .await
        .with_context(|| format!("process {pid}, which holds {}, does not end", directory.display()))?;
    Ok(true)
}

/// Looks until there is an answer; `None` when patience is over.
async fn eventually<T>(mut look: impl FnMut() -> ControlFlow<T>) -> Option<T> {
    let looking = async {
        let mut every = tokio::time::interval(LOOK);
        loop {
            every.tick().await;
            if let ControlFlow::Break(found) = look() {
                return found;
            }
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.ok()
}
