//! What the demonstration releases, and how each must end.

use std::collections::HashMap;

use bellwether_proto::{
    Duration,
    executor::v1::{
        Bake, Check, RolloutPolicy, Strategy, check::Kind as CheckKind, strategy::Kind as StrategyKind,
    },
    monitor::v1::HealthPolicy,
    planner::v1::{Application, ApplicationType, Bundle, Deployment, Environment},
};

/// The application's name.
pub const APPLICATION: &str = "shop";
/// Its environment: production in all but the approval, which nobody is there to give.
pub const ENVIRONMENT: &str = "demo";
/// How many instances serve.
pub const INSTANCES: i32 = 4;

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
    /// How the version behaves.
    pub configuration: &'static [(&'static str, &'static str)],
}

/// All of them, in order.
pub const SCENES: [Scene; 7] = [
    Scene {
        name: "first deployment",
        text: "version 1.0 is the first: nothing to compare with, so it is judged by itself",
        version: "1.0",
        strategy: StrategyKind::Canary,
        expected: Expected::Succeeded,
        configuration: &[],
    },
    Scene {
        name: "good canary",
        text: "version 1.1 is as good as 1.0: 10 %, 50 %, then all traffic, each step once the numbers say PASS",
        version: "1.1",
        strategy: StrategyKind::Canary,
        expected: Expected::Succeeded,
        configuration: &[],
    },
    Scene {
        name: "5 % errors",
        text: "version 1.2 fails 5 % of its requests: it must be taken back by itself",
        version: "1.2",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        configuration: &[("SHOP_ERRORS_PERCENT", "5")],
    },
    Scene {
        name: "p99 × 3",
        text: "version 1.3 answers correctly, but three times slower: it must be taken back by itself",
        version: "1.3",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        configuration: &[("SHOP_SLOWNESS", "3")],
    },
    Scene {
        name: "slow tail",
        text: "version 1.4 is as fast as before for 19 of 20 requests; the others take three times as long",
        version: "1.4",
        strategy: StrategyKind::Canary,
        expected: Expected::RolledBack,
        configuration: &[("SHOP_TAIL_SLOWNESS", "3")],
    },
    Scene {
        name: "blue-green",
        text: "version 1.5 comes as a full second fleet, and takes all traffic at once",
        version: "1.5",
        strategy: StrategyKind::BlueGreen,
        expected: Expected::Succeeded,
        configuration: &[],
    },
    Scene {
        name: "rolling",
        text: "version 1.6 replaces the instances in batches of two",
        version: "1.6",
        strategy: StrategyKind::Rolling,
        expected: Expected::Succeeded,
        configuration: &[],
    },
];

/// What is shorter than the defaults, for the output to say.
pub const SHORTENED: &str = "shortened for the demonstration: warm-up 1 s, minimum bake 1 s, keep 2 s, drain 2 s, recovery 5 s \
                             (defaults: 30 s, 30 s, 10 min, 30 s, 5 min); α = 1 % and all margins are the defaults";

/// The environment.
pub fn environment() -> Environment {
    Environment { name: ENVIRONMENT.to_owned(), ..Default::default() }
}

/// The application.
pub fn application(listen: &str) -> Application {
    let deployment = Deployment {
        instances: INSTANCES,
        command: ["{artifact}", "demo-shop"].map(str::to_owned).to_vec(),
        listen: listen.to_owned(),
        ready: Some(Check {
            kind: Some(CheckKind::HttpPath("/healthz".to_owned())),
            interval: millis(100),
            ..Default::default()
        }),
        policy: Some(RolloutPolicy {
            keep: millis(2_000),
            drain: millis(2_000),
            recovery_max: millis(5_000),
            ..Default::default()
        }),
        health: Some(HealthPolicy { warm_up: millis(1_000), ..Default::default() }),
        ..Default::default()
    };
    Application {
        name: APPLICATION.to_owned(),
        r#type: ApplicationType::Custom.into(),
        environments: HashMap::from([(ENVIRONMENT.to_owned(), deployment)]),
        ..Default::default()
    }
}

// === impl Scene ===

impl Scene {
    /// The release's bundle.
    pub fn bundle(&self, artifact: bellwether_proto::executor::v1::Artifact) -> Bundle {
        let bake = || Some(Bake { min: millis(1_000), max: millis(60_000), no_checks: false });
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
                weights_percent: if self.strategy == StrategyKind::Canary {
                    vec![10.0, 50.0, 100.0]
                } else {
                    Vec::new()
                },
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

fn millis(millis: i64) -> Option<Duration> {
    Some(Duration { seconds: millis / 1000, nanos: i32::try_from(millis % 1000 * 1_000_000).unwrap_or(0) })
}
