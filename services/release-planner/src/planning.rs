//! Making plans from what the planner knows.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use bellwether_plan::{
    ApplicationId, Bundle, Environment, EnvironmentId, EnvironmentPlan, Plan, PlanError, PlanInput, Release,
    make,
};
use bellwether_resource::{
    Violations,
    error::{INTERNAL, PreconditionKind, Problem},
};

use crate::{
    book::{self, Book},
    convert,
    foresight::Foresight,
    reasons::PLAN_IMPOSSIBLE,
};

// === impl Book ===

impl Book {
    /// The environments as plans see them.
    pub(crate) fn planned_environments(&self) -> BTreeMap<EnvironmentId, Environment> {
        self.environments().map(|(id, state)| (id.clone(), convert::environment(id, state))).collect()
    }

    /// A plan for `bundle` of an application.
    ///
    /// # Errors
    /// Everything that is in the way.
    pub(crate) fn plan(
        &self,
        id: &ApplicationId,
        application: &book::Application,
        bundle: &Bundle,
        foresight: &Foresight,
        now: Timestamp,
    ) -> Result<Plan, Problem> {
        let environments = self.planned_environments();
        let able = |deployment: &_| self.able(application, deployment);
        let application = convert::application(id, application, bundle, able).map_err(|error| {
            INTERNAL.because(format!("the application has no form for its plan: {error}"))
        })?;
        let history = self.history(id);
        make(PlanInput {
            application: &application,
            environments: &environments,
            bundle,
            history: &history,
            traffic: &foresight.traffic,
            answers: &foresight.answers,
            now,
        })
        .map_err(|errors| refused(&errors))
    }

    /// What has changed since the release's plan was made, where it has not started.
    pub(crate) fn outdated(&self, release: &Release) -> Option<String> {
        let id = release.application.as_str();
        let Some(application) = self.application(id) else {
            return Some(format!("applications/{id} is gone"));
        };
        if application.generation != release.plan.application_generation {
            return Some("the application has changed".to_owned());
        }
        let waits = |id: &EnvironmentId| release.stages.get(id).is_some_and(|stage| stage.state.is_waiting());
        let mut parts = release.plan.environments.iter().filter(|part| waits(&part.environment));
        parts.find_map(|part| self.outdated_part(application, part))
    }

    fn outdated_part(&self, application: &book::Application, part: &EnvironmentPlan) -> Option<String> {
        let id = part.environment.as_str();
        if self.environment(id).is_none_or(|state| state.generation != part.environment_generation) {
            return Some(format!("the environment {id} has changed"));
        }
        let Some(own) = application.spec.environments.get(id) else {
            return Some(format!("the application no longer names the environment {id}"));
        };
        let deployment = convert::merged(application.spec.defaults.as_ref(), own);
        let missing = self.able(application, &deployment)?.missing(&part.needs);
        let missing: Vec<_> = missing.iter().map(ToString::to_string).collect();
        (!missing.is_empty()).then(|| format!("the platform in {id} can no longer do {}", missing.join(", ")))
    }
}

/// Fields where fields are wrong, else what is missing.
fn refused(errors: &[PlanError]) -> Problem {
    let mut violations = Violations::new();
    let mut problem = PLAN_IMPOSSIBLE.because("no plan can be made");
    for error in errors {
        match error {
            PlanError::UnknownEnvironment(id) => {
                violations.add(
                    &format!("environments.{id}"),
                    "an environment that does not exist",
                    "one that exists",
                );
            }
            PlanError::Weights { environment, weights } => {
                let field = format!("environments.{environment}.strategy.weights_percent");
                violations.add(&field, format!("{weights:?}"), "rising shares above 0, at most 100");
            }
            PlanError::Road(error) => {
                problem = problem.precondition(PreconditionKind::State, "environments", error.to_string());
            }
            PlanError::NoStrategy { environment, considered } => {
                for looked in considered {
                    let description = format!("{}: {}", looked.kind, looked.reason);
                    let subject = format!("environments/{environment}");
                    problem = problem.precondition(PreconditionKind::State, subject, description);
                }
            }
        }
    }
    violations.finish().err().unwrap_or(problem)
}
