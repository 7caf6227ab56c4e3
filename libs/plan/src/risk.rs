//! How risky a release is: a sum that explains itself.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    Application, Bundle, ChangeType, Criticality, Environment, History, StrategyKind, strategy::row,
};

/// Bands of the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Band {
    /// Below 25.
    Low,
    /// Below 50.
    Medium,
    /// Below 75.
    High,
    /// The rest.
    Critical,
}

/// What adds to the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RiskFactor {
    /// How bad it is when the application does not work.
    Criticality,
    /// How much is new.
    ChangeSize,
    /// Changes of data.
    Migrations,
    /// Who would notice.
    ShareOfUsers,
    /// How the last 20 releases went.
    FailureRate,
    /// How long ago the last one was.
    TimeSinceLast,
    /// Whether going back has been done before.
    RollbackUntested,
    /// Whether few can try it first.
    NoCanary,
    /// Whether it was hurried.
    Emergency,
}

/// A part of the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contribution {
    /// What.
    pub factor: RiskFactor,
    /// What was found, for people.
    pub value: String,
    /// What it adds.
    pub points: u32,
    /// What would lower it; empty: nothing.
    pub mitigation: String,
}

/// The score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Risk {
    /// 0–100: the sum of the contributions, capped.
    pub score: u32,
    /// Its band.
    pub band: Band,
    /// What it is made of; every factor is there, also those that add nothing.
    pub contributions: Vec<Contribution>,
}

/// What the factors look at.
struct Subject<'a> {
    application: &'a Application,
    environment: &'a Environment,
    bundle: &'a Bundle,
    history: &'a History,
    strategy: StrategyKind,
    now: Timestamp,
}

const DAY: u64 = 24 * 60 * 60;

/// The risk of bringing `bundle` into `environment` with `strategy`. Factors that cannot be known count as the middle of
/// their range and say so.
pub(crate) fn assess(
    application: &Application,
    environment: &Environment,
    bundle: &Bundle,
    history: &History,
    strategy: StrategyKind,
    now: Timestamp,
) -> Risk {
    let subject = Subject { application, environment, bundle, history, strategy, now };
    let contributions = vec![
        subject.criticality(),
        subject.change_size(),
        subject.migrations(),
        subject.share_of_users(),
        subject.failure_rate(),
        subject.time_since_last(),
        subject.rollback_untested(),
        subject.no_canary(),
        subject.emergency(),
    ];
    let score = contributions.iter().map(|c| c.points).sum::<u32>().min(100);
    Risk { score, band: Band::of(score), contributions }
}

// === impl Band ===

impl Band {
    /// The band of a score.
    pub fn of(score: u32) -> Self {
        match score {
            0..25 => Self::Low,
            25..50 => Self::Medium,
            50..75 => Self::High,
            _ => Self::Critical,
        }
    }

    /// For people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

// === impl Subject ===

impl Subject<'_> {
    fn criticality(&self) -> Contribution {
        let kind = self.application.kind;
        let (name, points) = match row(kind).criticality {
            Criticality::Low => ("low", 5),
            Criticality::Medium => ("medium", 12),
            Criticality::High => ("high", 20),
            Criticality::Critical => ("critical", 28),
        };
        if self.environment.share_of_users_percent > 0.0 {
            return Contribution::new(
                RiskFactor::Criticality,
                format!("{name} ({})", kind.as_str()),
                points,
                "",
            );
        }
        // whoever is hurt here works on it
        let value = format!("{name} ({}), but no users are here", kind.as_str());
        Contribution::new(RiskFactor::Criticality, value, points / 4, "")
    }

    fn change_size(&self) -> Contribution {
        let commits = self.bundle.commits.len();
        let points = match commits {
            0 => {
                let hint = "name the commits in the release";
                return Contribution::new(RiskFactor::ChangeSize, "unknown".into(), 5, hint);
            }
            1..=5 => 2,
            6..=20 => 5,
            21..=100 => 10,
            _ => 15,
        };
        let hint = if points > 2 { "release smaller changes" } else { "" };
        Contribution::new(RiskFactor::ChangeSize, format!("{commits} commits"), points, hint)
    }

    fn migrations(&self) -> Contribution {
        let (all, irreversible) = (self.bundle.migrations.len(), self.bundle.irreversible().count());
        let (points, hint) = match (all, irreversible) {
            (0, _) => (0, ""),
            (_, 0) => (8, "migrate in a release of its own, before the code that needs it"),
            _ => (20, "split into expand, migrate and contract, so that each part can be undone"),
        };
        Contribution::new(
            RiskFactor::Migrations,
            format!("{all}, {irreversible} of them irreversible"),
            points,
            hint,
        )
    }

    fn share_of_users(&self) -> Contribution {
        if self.history.serving.is_none() {
            return Contribution::new(RiskFactor::ShareOfUsers, "nothing serves here yet".into(), 0, "");
        }
        let percent = self.environment.share_of_users_percent.clamp(0.0, 100.0);
        // 0–15, in the range of u32
        let points = (percent * 0.15).round() as u32;
        Contribution::new(RiskFactor::ShareOfUsers, format!("{percent} % of all users"), points, "")
    }

    fn failure_rate(&self) -> Contribution {
        let (last, failed) =
            (self.history.last_releases, self.history.failed_releases.min(self.history.last_releases));
        if last < 3 {
            let value = format!("unknown: {last} releases so far");
            return Contribution::new(RiskFactor::FailureRate, value, 5, "");
        }
        let points = (failed * 20).div_ceil(last);
        let hint = if failed > 0 { "see why the last ones failed" } else { "" };
        Contribution::new(
            RiskFactor::FailureRate,
            format!("{failed} of the last {last} failed"),
            points,
            hint,
        )
    }

    fn time_since_last(&self) -> Contribution {
        let factor = RiskFactor::TimeSinceLast;
        let Some(last) = self.history.last_release_time else {
            return Contribution::new(factor, "no release so far".into(), 3, "");
        };
        let since = Duration::try_from(self.now.duration_since(last)).unwrap_or_default();
        let days = since.as_secs() / DAY;
        let points = match days {
            0..7 => 0,
            7..30 => 4,
            _ => 8,
        };
        let hint = if points > 0 { "release more often" } else { "" };
        Contribution::new(factor, format!("{days} days"), points, hint)
    }

    fn rollback_untested(&self) -> Contribution {
        let factor = RiskFactor::RollbackUntested;
        match (&self.history.serving, self.history.rollback_tested) {
            (None, _) => Contribution::new(factor, "there is no version to go back to".into(), 6, ""),
            (Some(_), true) => Contribution::new(factor, "done before, here".into(), 0, ""),
            (Some(_), false) => {
                let hint = "practise it: release, then bellwether rollback";
                Contribution::new(factor, "never done here".into(), 5, hint)
            }
        }
    }

    fn no_canary(&self) -> Contribution {
        let value = self.strategy.as_str().to_owned();
        let (points, hint) = match self.strategy {
            StrategyKind::Canary | StrategyKind::BlueGreenCanary => (0, ""),
            StrategyKind::BlueGreen => (4, "add a canary ramp"),
            StrategyKind::Rolling | StrategyKind::Custom => (6, "use a canary"),
            StrategyKind::Recreate => (10, "use a canary"),
        };
        Contribution::new(RiskFactor::NoCanary, value, points, hint)
    }

    fn emergency(&self) -> Contribution {
        let (value, points) = match self.bundle.change_type {
            ChangeType::Standard => ("standard change", 0),
            ChangeType::Normal => ("normal change", 0),
            ChangeType::Emergency => ("emergency change", 6),
        };
        Contribution::new(RiskFactor::Emergency, value.to_owned(), points, "")
    }
}

// === impl Contribution ===

impl Contribution {
    fn new(factor: RiskFactor, value: String, points: u32, mitigation: &str) -> Self {
        Self { factor, value, points, mitigation: mitigation.to_owned() }
    }
}
