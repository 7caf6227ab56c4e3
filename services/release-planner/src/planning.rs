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

    /// Whether the release's plan is for things as they are, where it has not started.
    pub(crate) fn plan_is_current(&self, release: &Release) -> bool {
        let Some(application) = self.application(release.application.as_str()) else { return false };
        let waits = |id: &EnvironmentId| release.stages.get(id).is_some_and(|stage| stage.state.is_waiting());
        let parts = release.plan.environments.iter().filter(|part| waits(&part.environment));
        application.generation == release.plan.application_generation
            && parts.into_iter().all(|part| {
                let environment = self.environment(part.environment.as_str());
                environment.is_some_and(|state| state.generation == part.environment_generation)
                    && self.can_carry_out(application, part)
            })
    }

    /// Whether platform and router can do what the plan needs, as far as is known.
    fn can_carry_out(&self, application: &book::Application, part: &EnvironmentPlan) -> bool {
        let Some(own) = application.spec.environments.get(part.environment.as_str()) else { return false };
        let deployment = convert::merged(application.spec.defaults.as_ref(), own);
        let able = self.able(application, &deployment);
        able.is_none_or(|able| able.missing(&part.needs).is_empty())
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
