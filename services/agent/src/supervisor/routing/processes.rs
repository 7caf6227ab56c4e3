//! Gateway processes: the one at work, and those that are being replaced.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::{fs::DirBuilderExt, net::UnixListener},
    },
    path::{Path, PathBuf},
    process::Stdio,
};

use bellwether_clock::Env;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::{
    control::Client,
    durable,
    supervisor::process::{Identity, Running},
};

/// The program that is started as a gateway.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file.
    pub file: PathBuf,
    /// What it is called where processes are listed.
    pub name: OsString,
    /// What comes before the gateway's own arguments.
    pub words: Vec<OsString>,
}

/// A gateway's process.
#[derive(Debug)]
pub struct Process {
    /// To wait for its end.
    pub running: Running,
    /// To speak to it.
    pub client: Client,
    /// Its entry on disk.
    pub entry: Entry,
}

/// A gateway's process, as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The process.
    pub process: Identity,
    /// Its control socket.
    pub socket: PathBuf,
    /// The build that it is of.
    pub version: String,
}

/// Where gateways have their files.
#[derive(Clone, Debug)]
pub struct Place {
    directory: PathBuf,
    program: Program,
    env: Env,
}

// === impl Program ===

impl Program {
    /// This program, also when another has taken the place of its file meanwhile, with these words before the gateway's
    /// own arguments.
    ///
    /// # Errors
    /// Its file cannot be found.
    pub fn this(words: Vec<OsString>) -> io::Result<Self> {
        let named = std::env::current_exe()?;
        let running = PathBuf::from("/proc/self/exe");
        let name = named.clone().into_os_string();
        Ok(Self { file: if running.exists() { running } else { named }, name, words })
    }
}

// === impl Place ===

impl Place {
    /// Below this directory.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(directory: PathBuf, program: Program, env: Env) -> io::Result<Self> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(Self { directory, program, env })
    }

    /// The routing table's file.
    pub fn table(&self) -> PathBuf {
        self.directory.join("routes.json")
    }

    /// Starts a gateway. It can be spoken to at once: its control socket is bound here, and is its standard input.
    ///
    /// # Errors
    /// The program cannot be started.
    pub async fn start(&self) -> io::Result<Process> {
        let socket = self.directory.join(format!("{:08x}.sock", self.env.random() as u32));
        let control = bind(&socket)?;
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.directory.join("gateway.log"))?;
        let mut command = Command::new(&self.program.file);
        command.arg0(&self.program.name).args(&self.program.words).arg("--table").arg(self.table());
        command.stdin(Stdio::from(OwnedFd::from(control))).stdout(Stdio::null()).stderr(log).process_group(0);
        let ended = || io::Error::other("the gateway ended at once");
        let running = Running::child(command.spawn()?).ok_or_else(ended)?;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let entry = Entry { process: running.identity().clone(), socket: socket.clone(), version };
        Ok(Process { running, client: Client::new(short(&socket)?), entry })
    }

    /// Gateways that an earlier supervisor has started and that still run, the one at work last.
    pub fn adopt(&self) -> io::Result<Vec<Process>> {
        let entries = listed(&self.directory).map_err(io::Error::other)?;
        let mut processes = Vec::new();
        for entry in entries {
            match Running::adopt(entry.process.clone()) {
                Some(running) => {
                    let client = Client::new(short(&entry.socket)?);
                    processes.push(Process { running, client, entry });
                }
                None => forget(&entry),
            }
        }
        Ok(processes)
    }

    /// Writes down which gateways run, the one at work last.
    ///
    /// # Errors
    /// The file system's.
    pub async fn note(&self, entries: &[Entry]) -> io::Result<()> {
        durable::save(&list(&self.directory), entries).await.map_err(io::Error::other)
    }
}

/// Gateways that run on the agent's directory, whoever looks after them.
pub fn running_gateways(directory: &Path) -> Vec<Identity> {
    // a list that cannot be read is told by whoever adopts
    let listed = listed(&directory.join("gateway")).unwrap_or_default();
    listed.into_iter().map(|entry| entry.process).filter(Identity::is_alive).collect()
}

fn list(directory: &Path) -> PathBuf {
    directory.join("gateways.json")
}

fn listed(directory: &Path) -> Result<Vec<Entry>, durable::FileError> {
    Ok(durable::load(&list(directory))?.unwrap_or_default())
}

/// Removes what a gateway that has ended leaves behind.
pub fn forget(entry: &Entry) {
    // a socket that stays harms nobody
    let _ = std::fs::remove_file(&entry.socket);
}

fn bind(socket: &Path) -> io::Result<UnixListener> {
    // one with the same name is left from a gateway that has ended
    let _ = std::fs::remove_file(socket);
    UnixListener::bind(short(socket)?)
}

/// The address of a local socket has room for 107 bytes; a longer path is reached by way of its directory.
fn short(socket: &Path) -> io::Result<PathBuf> {
    if socket.as_os_str().len() <= 100 {
        return Ok(socket.to_owned());
    }
    crate::supervisor::short_path::of(socket)
}
