//! A health-monitor.

use std::{ffi::OsStr, fs, path::Path, process::ExitCode, sync::Arc};

use anyhow::Context as _;
use bellwether_client::Transport;
use bellwether_clock::spawn;
use bellwether_proto::monitor::v1::{
    Analysis, ListAnalysesRequest, StartAnalysisRequest,
    health_monitor_service_client::HealthMonitorServiceClient,
};
use bellwether_tests::{process::Process, wait::until};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use crate::run::Run;

/// The word that this program is started with as a health-monitor.
pub const WORD: &str = "health-monitor";
/// Calls under way at a time.
const AT_A_TIME: usize = 64;

/// What carries calls to it.
pub type Client = HealthMonitorServiceClient<Transport>;

/// Killed when it is dropped.
pub struct Monitor {
    process: Process,
    address: String,
    _directory: TempDir,
}

/// What the process does.
pub fn main() -> ExitCode {
    bellwether_health_monitor::main(std::env::args_os().skip(1))
}

// === impl Monitor ===

impl Monitor {
    /// With a journal, evidence and recordings on the disk that is measured.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(run: &Run) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("monitor-").tempdir_in(&run.directory)?;
        let file = directory.path().join("address");
        let words = [
            OsStr::new(WORD),
            "--listen".as_ref(),
            "127.0.0.1:0".as_ref(),
            "--address-file".as_ref(),
            file.as_ref(),
            "--data-dir".as_ref(),
            directory.path().as_ref(),
        ];
        let process = Process::start(Path::new(&run.program), words, &[], &directory.path().join("log"))?;
        let address = until("the monitor listens", || {
            let address = fs::read_to_string(&file).ok();
            async move { address }
        });
        let monitor = Self { address: address.await?, process, _directory: directory };
        let client = monitor.client()?;
        let serves = until("the monitor serves", || {
            let mut client = client.clone();
            async move { client.list_analyses(ListAnalysesRequest::default()).await.ok() }
        });
        serves.await.with_context(|| monitor.process.log())?;
        Ok(monitor)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A connection of its own.
    ///
    /// # Errors
    /// When the address is none.
    pub fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::new(Transport::builder(format!("http://{}", self.address)).build()?))
    }

    /// Starts analyses, many at a time.
    ///
    /// # Errors
    /// The first of theirs.
    pub async fn analyse(&self, analyses: impl IntoIterator<Item = Analysis>) -> anyhow::Result<()> {
        let (client, slots) = (self.client()?, Arc::new(Semaphore::new(AT_A_TIME)));
        let mut tasks = vec![];
        for analysis in analyses {
            let slot = slots.clone().acquire_owned().await?;
            let mut client = client.clone();
            tasks.push(spawn("start analysis", async move {
                let request = StartAnalysisRequest { analysis: Some(analysis), ..Default::default() };
                let started = client.start_analysis(request).await;
                drop(slot);
                started
            }));
        }
        for task in tasks {
            task.await??;
        }
        Ok(())
    }
}
