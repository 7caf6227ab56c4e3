//! What is expected of the traffic when a plan is made. Asked of others before the planner's turn is taken.

use std::collections::BTreeMap;

use bellwether_plan::{Answers, ApplicationId, Bundle, EnvironmentId, Traffic};
use bellwether_proto::monitor::v1::HealthPolicy;

use crate::{
    book::{Application, Book},
    convert::{declared, merged},
    planner::Planner,
};

/// What the bakes of a plan are reckoned with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Foresight {
    pub(crate) traffic: BTreeMap<EnvironmentId, Traffic>,
    pub(crate) answers: Answers,
}

// === impl Planner ===

impl Planner {
    /// What is expected for `bundle` of an application; nothing where nothing is known, or where no plan can be made.
    pub(crate) async fn foresee(&self, book: &Book, id: &ApplicationId, bundle: &Bundle) -> Foresight {
        let Some(application) = book.application(id.as_str()) else { return Foresight::default() };
        let policies = policies(application);
        let target = |environment: &EnvironmentId| format!("targets/{id}@{environment}");
        let targets = policies.keys().map(|environment| (environment.clone(), target(environment))).collect();
        let mut traffic: BTreeMap<_, _> = policies
            .iter()
            .filter_map(|(environment, policy)| Some((environment.clone(), declared(Some(policy))?)))
            .collect();
        // what was seen says more than what was written down once
        traffic.extend(self.monitor().measured(targets).await);
        let mut foresight = Foresight { traffic, answers: Answers::default() };
        // which shares there are, and what must be seen at them, says the plan itself
        let Ok(plan) = book.plan(id, application, bundle, &foresight, self.now()) else { return foresight };
        let questions = plan.open_questions();
        if !questions.is_empty() {
            foresight.answers = self.monitor().answers(questions, &policies).await;
        }
        foresight
    }
}

/// The health policy in each environment.
fn policies(application: &Application) -> BTreeMap<EnvironmentId, HealthPolicy> {
    let spec = &application.spec;
    let policy = |(id, own): (&String, _)| {
        let health = merged(spec.defaults.as_ref(), own).health.unwrap_or_default();
        (EnvironmentId::from(id.as_str()), health)
    };
    spec.environments.iter().map(policy).collect()
}
