//! What a stack is made of.

use std::path::PathBuf;

/// How the services are spread over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `bellwether up`: the four in one process, the agent beside it.
    One,
    /// A process for each of the four, and the agent.
    Four,
}

/// What can be started and killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The health-monitor.
    Monitor,
    /// The agent's supervisor.
    Agent,
    /// The executor.
    Executor,
    /// The release-planner.
    Planner,
    /// The notifier.
    Notifier,
}

/// What a stack is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The file of `bellwether`; the other programs lie beside it.
    pub program: PathBuf,
    /// How the services are spread.
    pub shape: Shape,
    /// The platform in memory with its hands instead of the agent.
    pub fake: bool,
    /// More arguments for `up`, or for the executor.
    pub args: Vec<String>,
    /// Environment variables of every process.
    pub env: Vec<(String, String)>,
    /// Where the data lives; none: in a directory that goes away with the stack.
    pub data_dir: Option<PathBuf>,
}

// === impl Part ===

impl Part {
    /// The four services, in the order in which they are started.
    pub const SERVICES: [Self; 4] = [Self::Monitor, Self::Executor, Self::Planner, Self::Notifier];

    /// The name of its program and its log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Executor => "executor",
            Self::Monitor => "monitor",
            Self::Notifier => "notifier",
            Self::Agent => "agent",
        }
    }
}

// === impl Setup ===

impl Setup {
    /// `bellwether up` with its agent.
    pub fn one(program: &str) -> Self {
        Self {
            program: PathBuf::from(program),
            shape: Shape::One,
            fake: false,
            args: Vec::new(),
            env: Vec::new(),
            data_dir: None,
        }
    }

    /// A process for each service, and the agent.
    pub fn four(program: &str) -> Self {
        Self { shape: Shape::Four, ..Self::one(program) }
    }

    /// With the platform in memory instead of the agent.
    #[must_use]
    pub fn on_fake(self) -> Self {
        Self { fake: true, ..self }
    }

    /// With this environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}
