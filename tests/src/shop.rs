//! The demonstration's shop as an application of the tests: policies short, margins and α as they are by default.

use std::{collections::HashMap, net::SocketAddr, path::Path, sync::OnceLock, time::Duration as Span};

use anyhow::Context as _;
use bellwether_client::{Transport, Watch, WatchEvent};
use bellwether_clock::Env;
use bellwether_proto::{
    Duration,
    executor::v1::{
        Artifact, Bake, Check, GetTargetRequest, Rollout, RolloutPolicy, Step, Strategy,
        WatchRolloutsRequest, artifact::Source, check::Kind as CheckKind,
        executor_service_client::ExecutorServiceClient, rollout::State, step::Kind,
        strategy::Kind as StrategyKind,
    },
    monitor::v1::HealthPolicy,
    planner::v1::{
        Application, ApplyApplicationRequest, ApplyEnvironmentRequest, Bundle, Deployment, Environment,
        SubmitReleaseRequest,
    },
};

use bellwether::load::{Load, LoadConfig};
use sha2::{Digest as _, Sha256};

use crate::{
    stack::{Stack, free_address},
    wait::{DEADLINE, until},
};

/// The application's environment.
pub const ENVIRONMENT: &str = "test";

/// A span in milliseconds.
pub fn millis(millis: i64) -> Option<Duration> {
    Some(Duration { seconds: millis / 1000, nanos: i32::try_from(millis % 1000 * 1_000_000).unwrap_or(0) })
}

/// A bake that is as short as it can be.
pub fn short_bake() -> Option<Bake> {
    Some(Bake { min: millis(500), max: millis(120_000), no_checks: false })
}

/// A bake that nobody judges, and that is over at once.
pub fn unjudged_bake() -> Option<Bake> {
    Some(Bake { min: millis(100), no_checks: true, ..Default::default() })
}

/// A release of the shop.
#[derive(Debug, Clone)]
pub struct Release {
    /// The version.
    pub version: String,
    /// How it gets its traffic.
    pub strategy: Strategy,
    /// How it behaves (`SHOP_ERRORS_PERCENT`, `SHOP_SLOWNESS`, `SHOP_START_MS`).
    pub configuration: HashMap<String, String>,
}

// === impl Release ===

impl Release {
    /// A good canary in two steps.
    pub fn canary(version: &str) -> Self {
        Self::of(version, StrategyKind::Canary).weights(&[50.0, 100.0])
    }

    /// A canary that stays at half the traffic until somebody ends it.
    pub fn endless(version: &str) -> Self {
        let mut release = Self::canary(version);
        release.strategy.bake = Some(Bake { min: millis(600_000), max: millis(700_000), no_checks: false });
        release
    }

    /// A release that nobody judges.
    pub fn unjudged(version: &str) -> Self {
        Self::unjudged_by(version, StrategyKind::BlueGreen)
    }

    /// A good release by this recipe.
    pub fn of(version: &str, kind: StrategyKind) -> Self {
        let strategy = Strategy {
            kind: kind.into(),
            bake: short_bake(),
            final_bake: short_bake(),
            ..Default::default()
        };
        Self { version: version.to_owned(), strategy, configuration: HashMap::new() }
    }

    /// A release that nobody judges, by this recipe.
    pub fn unjudged_by(version: &str, kind: StrategyKind) -> Self {
        let mut release = Self::of(version, kind);
        (release.strategy.bake, release.strategy.final_bake) = (unjudged_bake(), unjudged_bake());
        release
    }

    /// A release by these steps.
    pub fn steps(version: &str, steps: impl IntoIterator<Item = Kind>) -> Self {
        let steps = steps.into_iter().map(|kind| Step { kind: Some(kind), ..Default::default() }).collect();
        let strategy = Strategy { kind: StrategyKind::Custom.into(), steps, ..Default::default() };
        Self { version: version.to_owned(), strategy, configuration: HashMap::new() }
    }

    /// With these weights.
    #[must_use]
    pub fn weights(mut self, weights: &[f64]) -> Self {
        self.strategy.weights_percent = weights.to_vec();
        self
    }

    /// With this configuration.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.configuration.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// Applies the shop in one environment, with this many instances, reached at `front`.
///
/// # Errors
/// What the planner says.
pub async fn apply(stack: &Stack, name: &str, instances: i32, front: SocketAddr) -> anyhow::Result<()> {
    let environment = Environment { name: ENVIRONMENT.to_owned(), ..Default::default() };
    apply_environment(stack, environment).await?;
    apply_to(
        stack,
        name,
        HashMap::from([(ENVIRONMENT.to_owned(), deployment(instances, &front.to_string()))]),
    )
    .await
}

/// Applies an environment.
///
/// # Errors
/// What the planner says.
pub async fn apply_environment(stack: &Stack, environment: Environment) -> anyhow::Result<()> {
    let request = ApplyEnvironmentRequest { environment: Some(environment), ..Default::default() };
    stack.planner().apply_environment(request).await?;
    Ok(())
}

/// Applies the shop in these environments.
///
/// # Errors
/// What the planner says.
pub async fn apply_to(
    stack: &Stack,
    name: &str,
    environments: HashMap<String, Deployment>,
) -> anyhow::Result<()> {
    apply_application(stack, Application { name: name.to_owned(), environments, ..Default::default() }).await
}

/// Applies an application.
///
/// # Errors
/// What the planner says.
pub async fn apply_application(stack: &Stack, application: Application) -> anyhow::Result<()> {
    let request = ApplyApplicationRequest { application: Some(application), ..Default::default() };
    stack.planner().apply_application(request).await?;
    Ok(())
}

/// The shop in an environment: this many instances, reached at `listen`, policies as short as they can be.
pub fn deployment(instances: i32, listen: &str) -> Deployment {
    Deployment {
        instances,
        command: ["{artifact}", "demo-shop"].map(str::to_owned).to_vec(),
        listen: listen.to_owned(),
        ready: Some(Check {
            kind: Some(CheckKind::HttpPath("/healthz".to_owned())),
            interval: millis(100),
            ..Default::default()
        }),
        policy: Some(RolloutPolicy {
            keep: millis(1_000),
            drain: millis(1_000),
            recovery_max: millis(5_000),
            ..Default::default()
        }),
        health: Some(HealthPolicy { warm_up: millis(500), ..Default::default() }),
        ..Default::default()
    }
}

/// Brings the shop's first version in, and puts a load on it that is there until it is dropped.
///
/// # Errors
/// When it does not come to serve.
pub async fn serving(stack: &Stack, name: &str, instances: i32, rps: u32) -> anyhow::Result<Load> {
    let front = free_address()?;
    apply(stack, name, instances, front).await?;
    let first = ended(stack, &submit(stack, name, &Release::unjudged("1")).await?).await?;
    anyhow::ensure!(first.state() == State::Succeeded, "the first deployment: {first:#?}");
    let load = load(stack, front, rps);
    until("the load is answered", || async { (load.tally().good > 20).then_some(()) }).await?;
    Ok(load)
}

/// Where the shop is reached.
///
/// # Errors
/// When it was never applied.
pub async fn front(stack: &Stack, name: &str) -> anyhow::Result<SocketAddr> {
    let request = GetTargetRequest { name: format!("targets/{name}@{ENVIRONMENT}") };
    let target = stack.executor().get_target(request).await?.into_inner().target;
    let ingress = target.and_then(|target| target.ingress.into_iter().next());
    Ok(ingress.context("a target without an ingress")?.listen.parse()?)
}

/// A load on the shop.
pub fn load(stack: &Stack, front: SocketAddr, rps: u32) -> Load {
    let config =
        LoadConfig { base: format!("http://{front}"), rps, timeout: Span::from_secs(20), in_flight: 2_000 };
    Load::start(config, stack.env())
}

/// Submits a release of the shop; returns its name.
///
/// # Errors
/// What the planner says.
pub async fn submit(stack: &Stack, application: &str, release: &Release) -> anyhow::Result<String> {
    hand_in(stack, request(stack, application, release)?).await
}

/// Hands a release in; returns its name.
///
/// # Errors
/// What the planner says.
pub async fn hand_in(stack: &Stack, request: SubmitReleaseRequest) -> anyhow::Result<String> {
    let answer = stack.planner().submit_release(request).await?.into_inner();
    Ok(answer.release.context("an answer without a release")?.name)
}

/// What hands a release of the shop in.
///
/// # Errors
/// When the program is not there.
pub fn request(stack: &Stack, application: &str, release: &Release) -> anyhow::Result<SubmitReleaseRequest> {
    Ok(request_of(application, artifact(stack.program())?, release))
}

/// What hands a release in that runs this.
pub fn request_of(application: &str, artifact: Artifact, release: &Release) -> SubmitReleaseRequest {
    let bundle = Bundle {
        version: release.version.clone(),
        artifact: Some(artifact),
        configuration: release.configuration.clone(),
        strategy: Some(release.strategy.clone()),
        ..Default::default()
    };
    let application = application.to_owned();
    SubmitReleaseRequest { application, bundle: Some(bundle), ..Default::default() }
}

/// Follows a release's rollout until `is_it` says so.
///
/// # Errors
/// When that is not within the deadline.
pub async fn rollout_until(
    stack: &Stack,
    release: &str,
    is_it: impl Fn(&Rollout) -> bool,
) -> anyhow::Result<Rollout> {
    follow(stack.executor(), stack.env(), release.to_owned(), is_it).await
}

/// As [`rollout_until`], of any executor.
///
/// # Errors
/// As [`rollout_until`].
pub async fn follow(
    client: ExecutorServiceClient<Transport>,
    env: Env,
    release: String,
    is_it: impl Fn(&Rollout) -> bool,
) -> anyhow::Result<Rollout> {
    let filter = format!("release = \"{release}\"");
    let mut watch = Watch::new(env, move |resume_token| {
        let (mut client, filter) = (client.clone(), filter.clone());
        async move { client.watch_rollouts(WatchRolloutsRequest { filter, resume_token }).await }
    });
    let mut last: Option<Rollout> = None;
    let following = async {
        loop {
            if let WatchEvent::Snapshot(rollout) | WatchEvent::Changed { resource: rollout, .. } =
                watch.next().await?
            {
                if is_it(&rollout) {
                    return anyhow::Ok(rollout);
                }
                last = Some(rollout);
            }
        }
    };
    match tokio::time::timeout(2 * DEADLINE, following).await {
        Ok(found) => found,
        Err(_) => anyhow::bail!("the rollout of {release} is not there yet: {last:#?}"),
    }
}

/// Follows a release's rollout to its end.
///
/// # Errors
/// As [`rollout_until`].
pub async fn ended(stack: &Stack, release: &str) -> anyhow::Result<Rollout> {
    rollout_until(stack, release, |rollout| is_over(rollout.state())).await
}

/// Whether nothing more happens by itself.
pub fn is_over(state: State) -> bool {
    match state {
        State::Succeeded
        | State::RolledBack
        | State::Superseded
        | State::Cancelled
        | State::NeedsOperator => true,
        State::Unspecified | State::Pending | State::Running | State::RollingBack | State::Recovering => {
            false
        }
    }
}

/// The program itself is the shop.
fn artifact(program: &Path) -> anyhow::Result<Artifact> {
    let path = program.canonicalize()?;
    let text = path.to_str().context("the program's path is not UTF-8")?.to_owned();
    Ok(Artifact { name: "shop".to_owned(), digest: digest(&path)?, source: Some(Source::Path(text)) })
}

/// sha256 of the program in hex; read once.
fn digest(path: &Path) -> anyhow::Result<String> {
    static DIGEST: OnceLock<String> = OnceLock::new();
    if let Some(known) = DIGEST.get() {
        return Ok(known.clone());
    }
    let digest = hex::encode(Sha256::digest(std::fs::read(path)?));
    Ok(DIGEST.get_or_init(|| digest).clone())
}
