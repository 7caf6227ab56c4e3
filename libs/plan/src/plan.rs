//! The plan: everything that will be done, made once.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Answers, Application, ApplicationId, ApprovalRule, Band, Bundle, Capability, Considered, Deployment,
    Environment, EnvironmentId, Message, Milestone, Pinned, PlanDigest, PlannedBake, Promotion, Question,
    Recipe, Risk, Road, RoadError, RollbackPlan, StepTimes, StrategyChoice, StrategyKind, Traffic, Upstreams,
    approval, bake, capability, communication, expansion, risk, rollback, strategy, timeline,
};

/// What is known of the past of one application in one environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// The version that serves now; `None`: nothing does.
    pub serving: Option<String>,
    /// How many releases ended here, of the last 20.
    pub last_releases: u32,
    /// How many of those failed or were taken back.
    pub failed_releases: u32,
    /// When the last one started.
    pub last_release_time: Option<Timestamp>,
    /// Whether one was ever taken back here and that worked.
    pub rollback_tested: bool,
    /// How long steps took here.
    pub step_times: StepTimes,
}

/// Everything that a plan depends on. Equal inputs give equal plans.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// What is released.
    pub application: &'a Application,
    /// Every environment there is.
    pub environments: &'a BTreeMap<EnvironmentId, Environment>,
    /// The bundle.
    pub bundle: &'a Bundle,
    /// The past, by environment; missing: nothing is known.
    pub history: &'a BTreeMap<EnvironmentId, History>,
    /// The traffic that is expected, by environment; missing: nothing is known.
    pub traffic: &'a BTreeMap<EnvironmentId, Traffic>,
    /// What the health-monitor says about it.
    pub answers: &'a Answers,
    /// When.
    pub now: Timestamp,
}

/// What will be done, all of it. Immutable: nothing is chosen when it is carried out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Of what.
    pub application: ApplicationId,
    /// For which generation of it.
    pub application_generation: u64,
    /// The version.
    pub version: String,
    /// What runs: `sha256:<hex>`.
    pub identity: String,
    /// Its environments in the order of the road.
    pub environments: Vec<EnvironmentPlan>,
    /// What a person should know.
    pub warnings: Vec<Warning>,
}

/// The plan for one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnvironmentPlan {
    /// Which.
    pub environment: EnvironmentId,
    /// Which generation of it.
    pub environment_generation: u64,
    /// Where it comes from on this road; empty: it enters here.
    pub upstreams: Vec<EnvironmentId>,
    /// How many of them count.
    pub upstream_mode: Upstreams,
    /// Who sends it on.
    pub promotion: Promotion,
    /// How long it must be live and healthy upstream.
    pub soak: Duration,
    /// Which strategy, and why.
    pub choice: StrategyChoice,
    /// Its numbers.
    pub recipe: Recipe,
    /// Every bake, in the order of the steps; empty in plans of former builds, whose bakes all are as `recipe` says.
    #[serde(default)]
    pub bakes: Vec<PlannedBake>,
    /// What it needs of platform and router.
    #[serde(default)]
    pub needs: Vec<Capability>,
    /// How risky it is.
    pub risk: Risk,
    /// Who must approve.
    pub approvals: Vec<ApprovalRule>,
    /// How it is taken back.
    pub rollback: RollbackPlan,
    /// When what is expected.
    pub timeline: Vec<Milestone>,
    /// Who is told what.
    pub communication: Vec<Message>,
    /// What the executor is given, beside the recipe.
    pub spec: Pinned,
}

/// Something that a person should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// UPPER_SNAKE.
    pub code: String,
    /// Where.
    pub environment: EnvironmentId,
    /// One sentence.
    pub text: String,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum PlanError {
    /// The environments make no road.
    #[error("there is no road through the environments")]
    Road(#[from] RoadError),
    /// The application is deployed to an environment that does not exist.
    #[error("the environment {0} does not exist")]
    UnknownEnvironment(EnvironmentId),
    /// No strategy can be used.
    #[error("no strategy can be used in {environment}")]
    NoStrategy {
        /// Where.
        environment: EnvironmentId,
        /// Why each was refused.
        considered: Vec<Considered>,
    },
    /// The shares do not rise, or are out of range.
    #[error("the weights in {environment} must rise, each above 0 and at most 100")]
    Weights {
        /// Where.
        environment: EnvironmentId,
        /// As given.
        weights: Vec<f64>,
    },
}

/// Makes the plan, or says everything that is wrong.
pub fn make(input: PlanInput<'_>) -> Result<Plan, Vec<PlanError>> {
    let application = input.application;
    let unknown = application.deployments.keys().filter(|id| !input.environments.contains_key(*id));
    let mut errors: Vec<_> = unknown.cloned().map(PlanError::UnknownEnvironment).collect();
    let road =
        Road::new(input.environments, application.deployments.keys()).map_err(|error| vec![error.into()])?;
    let mut environments = Vec::new();
    for (id, upstreams) in road.stops {
        let known = input.environments.get(&id).zip(application.deployments.get(&id));
        let Some((environment, deployment)) = known else { continue };
        match part(input, environment, deployment, upstreams) {
            Ok(part) => environments.push(part),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Ok(Plan {
        application: application.id.clone(),
        application_generation: application.generation,
        version: input.bundle.version.clone(),
        identity: input.bundle.identity(),
        warnings: environments.iter().flat_map(|part| warnings(application, part)).collect(),
        environments,
    })
}

fn part(
    input: PlanInput<'_>,
    environment: &Environment,
    deployment: &Deployment,
    upstreams: Vec<EnvironmentId>,
) -> Result<EnvironmentPlan, PlanError> {
    let (application, bundle, id) = (input.application, input.bundle, &environment.id);
    let (none, tuning) = (History::default(), &deployment.tuning);
    let history = input.history.get(id).unwrap_or(&none);
    check_weights(id, &tuning.weights)?;
    let first = history.serving.is_none();
    let choice = strategy::select(application, deployment, first).map_err(|refused| {
        PlanError::NoStrategy { environment: id.clone(), considered: refused.considered }
    })?;
    let risk = risk::assess(application, environment, bundle, history, choice.chosen, input.now);
    let recipe = strategy::recipe(choice.chosen, risk.band, tuning);
    let stops = expansion::stops(&recipe, &tuning.shape, deployment.instances, first);
    let baking = bake::Baking {
        environment: id,
        kind: recipe.kind,
        band: risk.band,
        tuning,
        health: deployment.health,
        traffic: input.traffic.get(id),
        answers: input.answers,
    };
    let bakes = bake::planned(&stops, &baking);
    let steps: Vec<_> = stops.iter().map(|stop| stop.step.clone()).collect();
    Ok(EnvironmentPlan {
        environment: id.clone(),
        environment_generation: environment.generation,
        upstreams,
        upstream_mode: environment.upstream_mode,
        promotion: environment.promotion,
        soak: environment.soak,
        approvals: approval::rules(&environment.approvals, risk.band),
        rollback: rollback::rollback(&application.id, id, bundle, &recipe, history),
        timeline: timeline::timeline(&stops, &bakes, &history.step_times),
        communication: communication::messages(application, id),
        needs: capability::needs(&steps, &tuning.shape, deployment.instances, first),
        choice,
        recipe,
        bakes,
        risk,
        spec: deployment.spec.clone(),
    })
}

fn check_weights(environment: &EnvironmentId, weights: &[f64]) -> Result<(), PlanError> {
    let in_range = weights.iter().all(|&weight| weight > 0.0 && weight <= 100.0);
    if in_range && weights.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    Err(PlanError::Weights { environment: environment.clone(), weights: weights.to_vec() })
}

fn warnings(application: &Application, part: &EnvironmentPlan) -> Vec<Warning> {
    let mut found = Vec::new();
    let mut warn = |code: &str, text: String| {
        found.push(Warning { code: code.to_owned(), environment: part.environment.clone(), text });
    };
    if let Some((kind, slo)) = part.choice.slo_broken_by.zip(application.rollback_slo) {
        let (worst, slo) = (timeline::human(kind.worst_rollback()), timeline::human(slo));
        let instead = if kind == part.choice.chosen {
            "no other strategy was chosen".to_owned()
        } else {
            format!("{} is used instead", part.choice.chosen)
        };
        warn(
            "ROLLBACK_SLO",
            format!("{kind} may need {worst} to be taken back, the SLO is {slo}; {instead}"),
        );
    }
    if !part.rollback.irreversible.is_empty() {
        let text = "a migration cannot be undone: a failing release stays until a person decides";
        warn("IRREVERSIBLE", text.to_owned());
    }
    if part.choice.chosen == StrategyKind::Recreate {
        warn("DOWNTIME", "users are without service while it runs".to_owned());
    }
    if let Some(bake) = part.bakes.iter().find(|bake| bake.lacks_traffic()) {
        let text = format!("at {} %: {}; a larger share or probes see more", bake.share_percent, bake.text);
        warn("LOW_TRAFFIC", text);
    }
    if part.risk.band >= Band::High && !part.choice.chosen.limits_exposure() {
        let text = format!("{} risk, and all users get it at once", part.risk.band.as_str());
        warn("NO_CANARY", text);
    }
    found
}

// === impl Plan ===

impl Plan {
    /// `sha256:<hex>` of its canonical form.
    pub fn digest(&self) -> PlanDigest {
        PlanDigest::of(self)
    }

    /// What the health-monitor could be asked about its bakes and has not answered.
    pub fn open_questions(&self) -> Vec<Question> {
        let mut open: Vec<Question> = Vec::new();
        let bakes = self.environments.iter().flat_map(|part| &part.bakes);
        for question in bakes.filter(|bake| bake.forecast.is_none()).filter_map(|bake| bake.question.as_ref())
        {
            if !open.contains(question) {
                open.push(question.clone());
            }
        }
        open
    }

    /// The part for `environment`.
    pub fn part(&self, environment: &EnvironmentId) -> Option<&EnvironmentPlan> {
        self.environments.iter().find(|part| part.environment == *environment)
    }

    /// The environments that `environment` leads to.
    pub fn downstreams<'a>(
        &'a self,
        environment: &'a EnvironmentId,
    ) -> impl Iterator<Item = &'a EnvironmentPlan> {
        self.environments.iter().filter(move |part| part.upstreams.contains(environment))
    }

    /// How long a release soaks in `environment` before every environment behind it may take it.
    pub fn soak_in(&self, environment: &EnvironmentId) -> Duration {
        self.downstreams(environment).map(|part| part.soak).max().unwrap_or_default()
    }

    /// This plan, with the parts of `former` for the environments that have `started`.
    pub fn keeping(mut self, former: &Self, started: impl Fn(&EnvironmentId) -> bool) -> Self {
        let kept = former.environments.iter().filter(|part| started(&part.environment));
        for old in kept {
            match self.environments.iter_mut().find(|part| part.environment == old.environment) {
                Some(part) => part.clone_from(old),
                None => self.environments.insert(0, old.clone()),
            }
        }
        self
    }
}
