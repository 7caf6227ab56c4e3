//! What is released: applications, environments, and versions with a temper.

use std::collections::HashMap;

use bellwether_proto::{
    executor::v1::{Artifact, Bake, RolloutPolicy, Strategy, artifact::Source, strategy::Kind},
    monitor::v1::HealthPolicy,
    planner::v1::{Application, Bundle, Deployment, Environment},
};
use bellwether_tests::shop::millis;

use bellwether_tests::chance::Chance;

/// Everything that traffic goes to.
pub(crate) const TARGETS: [&str; 3] =
    ["targets/shop@development", "targets/shop@production", "targets/cart@development"];

/// How a version behaves; its name says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temper {
    /// As it should.
    Good,
    /// A third of its answers are errors.
    Bad,
    /// Its instances end again and again.
    Crashing,
}

/// A version and the way to release it.
pub(crate) struct Recipe {
    temper: Temper,
    strategy: Strategy,
}

// === impl Temper ===

impl Temper {
    /// That of a version.
    pub(crate) fn of(version: &str) -> Self {
        match version.rsplit_once('-').map(|(_, temper)| temper) {
            Some("bad") => Self::Bad,
            Some("crashing") => Self::Crashing,
            _ => Self::Good,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Crashing => "crashing",
        }
    }
}

// === impl Recipe ===

impl Recipe {
    /// One that must succeed: the first straight away, later ones in steps.
    pub(crate) fn good(index: usize) -> Self {
        let (kind, judged) = if index == 0 { (Kind::BlueGreen, false) } else { (Kind::Canary, true) };
        Self { temper: Temper::Good, strategy: strategy(kind, judged) }
    }

    /// Whatever chance brings.
    pub(crate) fn any(chance: &mut Chance) -> Self {
        let temper = *chance.one_of(&[Temper::Good, Temper::Good, Temper::Bad, Temper::Crashing]);
        let kind = *chance.one_of(&[Kind::Canary, Kind::Canary, Kind::BlueGreen, Kind::Rolling]);
        Self { temper, strategy: strategy(kind, true) }
    }

    /// What is handed in.
    pub(crate) fn bundle(&self, index: usize) -> Bundle {
        let artifact = Artifact {
            name: "program".to_owned(),
            digest: format!("{index:064x}"),
            source: Some(Source::Path("/opt/program".to_owned())),
        };
        Bundle {
            version: format!("{}-{}", index + 1, self.temper.name()),
            artifact: Some(artifact),
            strategy: Some(self.strategy.clone()),
            ..Default::default()
        }
    }
}

fn strategy(kind: Kind, judged: bool) -> Strategy {
    let bake = Some(Bake { min: millis(2_000), max: millis(120_000), no_checks: !judged });
    let weights_percent = if kind == Kind::Canary { vec![10.0, 50.0, 100.0] } else { Vec::new() };
    Strategy { kind: kind.into(), weights_percent, bake, final_bake: bake, ..Default::default() }
}

/// Development, and production behind it. Nobody has to approve.
pub(crate) fn environments() -> [Environment; 2] {
    let development = Environment { name: "development".to_owned(), ..Default::default() };
    let production = Environment {
        name: "production".to_owned(),
        upstreams: vec!["development".to_owned()],
        soak: millis(2_000),
        ..Default::default()
    };
    [development, production]
}

/// The shop in both, the cart in development alone.
pub(crate) fn applications() -> [Application; 2] {
    let of = |name: &str, environments: &[&str]| Application {
        name: name.to_owned(),
        environments: environments
            .iter()
            .map(|it| ((*it).to_owned(), deployment()))
            .collect::<HashMap<_, _>>(),
        ..Default::default()
    };
    [of("shop", &["development", "production"]), of("cart", &["development"])]
}

fn deployment() -> Deployment {
    Deployment {
        instances: 3,
        command: vec!["{artifact}".to_owned()],
        listen: "127.0.0.1:8080".to_owned(),
        // faults must not be what takes a good version back: nothing is given up while they last
        policy: Some(RolloutPolicy {
            keep: millis(3_000),
            drain: millis(1_000),
            recovery_max: millis(20_000),
            max_hold: millis(3_600_000),
            progress_deadline: millis(1_800_000),
            ..Default::default()
        }),
        health: Some(HealthPolicy { warm_up: millis(500), ..Default::default() }),
        ..Default::default()
    }
}
