//! A real Prometheus server, where it is installed.

use std::{env, fmt::Write as _, net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{process::Process, stack::free_address, wait::until};

/// A Prometheus server that scrapes every second; ended when it is dropped.
#[derive(Debug)]
pub struct Prometheus {
    /// Where it is.
    pub address: SocketAddr,
    program: PathBuf,
    process: Option<Process>,
    directory: tempfile::TempDir,
}

// === impl Prometheus ===

impl Prometheus {
    /// The program; None, and a word on the standard error, where it is not installed.
    pub fn installed() -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let found = env::split_paths(&path).map(|dir| dir.join("prometheus")).find(|file| file.is_file());
        if found.is_none() {
            eprintln!("skipped: prometheus not installed");
        }
        found
    }

    /// Starts it, scraping whatever answers at these addresses, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; the message has its log.
    pub async fn start(program: PathBuf, scraped: &[SocketAddr]) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix("bw-prometheus-").tempdir()?;
        let mut config =
            "scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  scrape_timeout: 900ms\n  \
                          static_configs:\n  - targets:\n"
                .to_owned();
        for address in scraped {
            writeln!(config, "    - {address}")?;
        }
        std::fs::write(directory.path().join("prometheus.yml"), config)?;
        let mut prometheus = Self { address: free_address()?, program, process: None, directory };
        prometheus.again().await?;
        Ok(prometheus)
    }

    /// Starts it again after [`Prometheus::kill`], with what it had stored.
    ///
    /// # Errors
    /// As [`Prometheus::start`].
    pub async fn again(&mut self) -> anyhow::Result<()> {
        let dir = self.directory.path();
        let log = dir.join("log");
        let words = [
            format!("--config.file={}", dir.join("prometheus.yml").display()),
            format!("--storage.tsdb.path={}", dir.join("data").display()),
            format!("--web.listen-address={}", self.address),
            "--enable-feature=native-histograms".to_owned(),
        ];
        self.process = Some(Process::start(&self.program, words, &[], &log)?);
        let ready = until("prometheus is ready", || async {
            let answer = get(self.address, "/-/ready").await.ok()?;
            answer.starts_with("HTTP/1.0 200").then_some(())
        });
        ready.await.with_context(|| std::fs::read_to_string(&log).unwrap_or_default())
    }

    /// `kill -9`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.process.take().context("it does not run")?.kill()?;
        Ok(())
    }
}

/// The whole of an answer, head and all.
async fn get(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
