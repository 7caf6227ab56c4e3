//! The scales that a message is placed on.

use serde::{Deserialize, Serialize};

/// How a message is treated; the higher goes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Something moved on; a newer one about the same subject replaces it while it waits.
    Progress,
    /// Something came to its end.
    Terminal,
    /// Somebody is asked for something.
    Approval,
    /// Somebody has to act now.
    Page,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know.
    Info,
    /// Worth a look.
    Warning,
    /// Users may notice.
    Critical,
}

/// Before, while, after traffic moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Before.
    Pre,
    /// While.
    During,
    /// After.
    Post,
}

/// The service that a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// The release-planner.
    Planner,
    /// The executor.
    Executor,
    /// The health-monitor.
    Monitor,
    /// The notifier itself.
    Notifier,
}

// === impl Class ===

impl Class {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Progress => "progress",
            Self::Terminal => "terminal",
            Self::Approval => "approval",
            Self::Page => "page",
        }
    }
}

// === impl Severity ===

impl Severity {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

// === impl Phase ===

impl Phase {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "PRE",
            Self::During => "DURING",
            Self::Post => "POST",
        }
    }
}

// === impl Source ===

impl Source {
    /// As in labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planner => "planner",
            Self::Executor => "executor",
            Self::Monitor => "monitor",
            Self::Notifier => "notifier",
        }
    }
}
