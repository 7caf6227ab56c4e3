//! What the demonstration releases, and how each must end.

use bellwether_proto::{
    executor::v1::{Artifact, Bake, Strategy, strategy::Kind as StrategyKind},
    planner::v1::Bundle,
};

use super::application::millis;

/// How a release must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It serves.
    Succeeded,
    /// It was taken back.
    RolledBack,
}

/// A release of the demonstration.
#[derive(Debug, Clone)]
pub struct Scene {
    /// For the table.
    pub name: &'static str,
    /// What is said about it.
    pub text: &'static str,
    /// The version.
    pub version: &'static str,
    /// How it gets its traffic.
    pub strategy: StrategyKind,
    /// How it must end.
    pub expected: Expected,
    /// The shares of a canary, percent.
    pub weights: &'static [f64],
    /// The shortest bake, milliseconds.
    pub bake_min: i64,
    /// How the version behaves.
    pub configuration: &'static [(&'static str, &'static str)],
}

/// The shares of a careful canary.
const CANARY: [f64; 3] = [10.0, 50.0, 100.0];

/// All of them, in order.
pub const SCENES: [Scene; 8] = [
    Scene {
        name: "first deployment",
        text: "version 1.0 is the first: nothing to compare with, so it is judged by itself",
        version: "1.0",
        strategy: StrategyKind::Canary,
        expected: Expected::Succeeded,
        weights: &CANARY,
        bake_min: 1_000,
        configuration: &[],
    },
    Scene {
        name: "good canary",
        text: "version 1.1 is as good as 1.0: 10 %, 50 %, then all traffic, each step once the numbers say PASS",
        version: "1.1",
        strategy: StrategyKind::Canary,
        expected: Expected::Succeeded,
        weights: &CANARY,
        bake_min: 1_000,
        configuration: &[],
    },
    Scene {
        name: "5 % errors",
        text: "version 1.2 fails 5 % of its requests: it must be taken back by itself",
        version: "1.2",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        weights: &CANARY,
        bake_min: 1_000,
        configuration: &[("SHOP_ERRORS_PERCENT", "5")],
    },
    Scene {
        name: "p99 × 3",
        text: "version 1.3 answers correctly, but three times slower: it must be taken back by itself",
        version: "1.3",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        weights: &CANARY,
        bake_min: 1_000,
        configuration: &[("SHOP_SLOWNESS", "3")],
    },
    Scene {
        name: "slow tail",
        text: "version 1.4 is as fast as before for 19 of 20 requests, the others take three times as long: there is less to \
               see, so it is watched for 30 s at least, as by default",
        version: "1.4",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        weights: &CANARY,
        bake_min: 30_000,
        configuration: &[("SHOP_TAIL_SLOWNESS", "3")],
    },
    Scene {
        name: "half the orders",
        text: "version 1.5 answers every checkout well and fast, and loses every other order; the shop tells its orders over \
               OpenTelemetry, and half of the users are watched for 30 s at least",
        version: "1.5",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        weights: &[50.0, 100.0],
        bake_min: 30_000,
        configuration: &[("SHOP_LOST_ORDERS_PERCENT", "50")],
    },
    Scene {
        name: "blue-green",
        text: "version 1.6 comes as a full second fleet, and takes all traffic at once",
        version: "1.6",
        strategy: StrategyKind::BlueGreen,
        expected: Expected::Succeeded,
        weights: &[],
        bake_min: 1_000,
        configuration: &[],
    },
    Scene {
        name: "rolling",
        text: "version 1.7 replaces the instances in batches of two",
        version: "1.7",
        strategy: StrategyKind::Rolling,
        expected: Expected::Succeeded,
        weights: &[],
        bake_min: 1_000,
        configuration: &[],
    },
];

/// What is shorter than the defaults, for the output to say.
pub const SHORTENED: &str = "shortened for the demonstration: warm-up 1 s, minimum bake 1 s (30 s for what is hard to see), keep 2 s, drain \
                             2 s, recovery 5 s (defaults: 30 s, 30 s, 10 min, 30 s, 5 min); α = 1 % and all margins are the defaults";

// === impl Scene ===

impl Scene {
    /// The release's bundle.
    pub fn bundle(&self, artifact: Artifact) -> Bundle {
        let bake = || Some(Bake { min: millis(self.bake_min), max: millis(60_000), no_checks: false });
        Bundle {
            version: self.version.to_owned(),
            artifact: Some(artifact),
            configuration: self
                .configuration
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect(),
            strategy: Some(Strategy {
                kind: self.strategy.into(),
                weights_percent: self.weights.to_vec(),
                bake: bake(),
                final_bake: bake(),
                batch: if self.strategy == StrategyKind::Rolling { 2 } else { 0 },
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// The strategy's name for people.
    pub fn strategy_name(&self) -> String {
        let name = self.strategy.as_str_name();
        name.strip_prefix("KIND_").unwrap_or(name).to_lowercase().replace('_', "-")
    }
}

// === impl Expected ===

impl Expected {
    /// As the report writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "SUCCEEDED",
            Self::RolledBack => "ROLLED_BACK",
        }
    }
}
