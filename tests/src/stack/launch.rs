//! The command lines of the processes.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::setup::{Part, Setup, Shape};
use crate::process::Process;

/// Webhooks and hooks of tests are on this machine.
const LOOPBACK: &str = "127.0.0.0/8";

/// Where everything is.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) setup: Setup,
    pub(super) data_dir: PathBuf,
    pub(super) logs: PathBuf,
    pub(super) addresses: BTreeMap<Part, SocketAddr>,
    pub(super) instance_ports: String,
    pub(super) fake_control: SocketAddr,
}

// === impl Plan ===

impl Plan {
    /// The part whose process this part lives in.
    pub(super) fn home(&self, part: Part) -> Part {
        match (self.setup.shape, part) {
            (Shape::One, Part::Monitor | Part::Executor | Part::Planner | Part::Notifier) => Part::Executor,
            (Shape::One | Shape::Four, part) => part,
        }
    }

    /// The address of a part.
    ///
    /// # Errors
    /// When it has none.
    pub(super) fn address(&self, part: Part) -> anyhow::Result<SocketAddr> {
        self.addresses.get(&part).copied().with_context(|| format!("no address for {}", part.name()))
    }

    /// Starts the process of a part.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(super) fn launch(&self, part: Part, env: &[(&str, &str)]) -> anyhow::Result<Process> {
        let (program, words) = match self.setup.shape {
            Shape::One => (self.setup.program.clone(), self.up()?),
            Shape::Four => (self.program_of(part), self.words(part)?),
        };
        let own = self.setup.env.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let env: Vec<(&str, &str)> = own.chain(env.iter().copied()).collect();
        Process::start(&program, words, &env, &self.log(part))
    }

    /// The file of what a part's process writes.
    pub(super) fn log(&self, part: Part) -> PathBuf {
        self.logs.join(format!("{}.log", self.home(part).name()))
    }

    fn program_of(&self, part: Part) -> PathBuf {
        let beside = self.setup.program.parent().unwrap_or(Path::new("."));
        beside.join(format!("bellwether-{}-under-test", part.name()))
    }

    fn up(&self) -> anyhow::Result<Vec<String>> {
        let mut words = vec!["up".to_owned()];
        words.extend(self.serve(Part::Executor)?);
        words.extend(
            ["--instance-ports", &self.instance_ports, "--allow-network", LOOPBACK].map(str::to_owned),
        );
        if self.setup.fake {
            words.push("--no-agent".to_owned());
            words.extend(self.fake());
        }
        words.extend(self.setup.args.iter().cloned());
        Ok(words)
    }

    fn words(&self, part: Part) -> anyhow::Result<Vec<String>> {
        let url = |part| anyhow::Ok(format!("http://{}", self.address(part)?));
        let named = |name: &str, value: String| [name.to_owned(), value];
        let mut words = self.serve(part)?;
        match part {
            Part::Monitor => {}
            Part::Agent => {
                words.insert(0, "supervisor".to_owned());
                words.extend(named("--monitor", url(Part::Monitor)?));
                words.extend(named("--instance-ports", self.instance_ports.clone()));
            }
            Part::Executor => {
                words.extend(named("--monitor", url(Part::Monitor)?));
                if self.setup.fake {
                    words.extend(named("--platform", "fake".to_owned()));
                    words.extend(self.fake().into_iter().skip(1));
                } else {
                    words.extend(named("--platform", format!("agent={}", url(Part::Agent)?)));
                }
                words.extend(self.setup.args.iter().cloned());
            }
            Part::Planner => words.extend(named("--executor", url(Part::Executor)?)),
            Part::Notifier => {
                words.extend(named("--planner", url(Part::Planner)?));
                words.extend(named("--executor", url(Part::Executor)?));
                words.extend(named("--monitor", url(Part::Monitor)?));
                words.extend(named("--webhook-network", LOOPBACK.to_owned()));
            }
        }
        Ok(words)
    }

    fn fake(&self) -> Vec<String> {
        ["--fake", "--fake-control", &self.fake_control.to_string()].map(str::to_owned).to_vec()
    }

    fn serve(&self, part: Part) -> anyhow::Result<Vec<String>> {
        let data = self.data_dir.to_str().context("the directory's path is not UTF-8")?;
        Ok(["--listen", &self.address(part)?.to_string(), "--data-dir", data].map(str::to_owned).to_vec())
    }
}
