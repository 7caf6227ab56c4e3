//! The health-monitor, as the planner calls it: how long would this take? Plans are made without it where it is away.

use std::{collections::BTreeMap, time::Duration};

use bellwether_client::{ApiError, Transport};
use bellwether_plan::{Answers, EnvironmentId, Forecast, Question, Traffic, TrafficBasis};
use bellwether_proto::monitor::v1::{
    GetTrafficRequest, HealthPolicy, PlanAnalysisRequest, PlanAnalysisResponse,
    health_monitor_service_client::HealthMonitorServiceClient,
};
use bellwether_resource::time;
use futures::future::join_all;

/// A plan does not wait longer for statistics: the risk band knows lengths as well.
const PATIENCE: Duration = Duration::from_secs(2);
/// What was observed for less time says nothing of the traffic to come.
const LONG_ENOUGH: Duration = Duration::from_secs(60);

/// The health-monitor; `None`: none was named.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    transport: Option<Transport>,
}

// === impl Monitor ===

impl Monitor {
    pub(crate) fn new(transport: Option<Transport>) -> Self {
        Self { transport }
    }

    /// The traffic that it has seen at these targets during the last hour; what it has not seen long enough is left out.
    pub(crate) async fn measured(
        &self,
        targets: Vec<(EnvironmentId, String)>,
    ) -> BTreeMap<EnvironmentId, Traffic> {
        let Some(transport) = &self.transport else { return BTreeMap::new() };
        let asked = targets.into_iter().map(async |(environment, target)| {
            let mut client = HealthMonitorServiceClient::new(transport.within(PATIENCE));
            let seen = client.get_traffic(GetTrafficRequest { target }).await.ok()?.into_inner();
            let long_enough =
                seen.observed.as_ref().and_then(time::span).is_some_and(|span| span >= LONG_ENOUGH);
            let traffic = Traffic {
                requests_per_second: seen.requests_per_second,
                errors_percent: Some(seen.error_percent),
                basis: TrafficBasis::Measured,
            };
            (long_enough && traffic.requests_per_second > 0.0).then_some((environment, traffic))
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// What it says to these questions; each environment has its own policy.
    pub(crate) async fn answers(
        &self,
        questions: Vec<Question>,
        policies: &BTreeMap<EnvironmentId, HealthPolicy>,
    ) -> Answers {
        let Some(transport) = &self.transport else {
            return missing("no health-monitor is configured (--monitor)".to_owned());
        };
        let asked = questions.into_iter().map(async |question| {
            let policy = policies.get(&question.environment).cloned();
            let answer = ask(transport.within(PATIENCE), &question, policy).await;
            answer.map(|forecast| (question, forecast))
        });
        let mut answers = Answers::default();
        for answer in join_all(asked).await {
            match answer {
                Ok(known) => answers.known.push(known),
                Err(error) => {
                    tracing::info!(%error, "a plan is made without statistics");
                    answers.missing_because =
                        format!("the health-monitor does not answer ({})", error.message);
                }
            }
        }
        answers
    }
}

fn missing(because: String) -> Answers {
    Answers { known: Vec::new(), missing_because: because }
}

async fn ask(
    transport: Transport,
    question: &Question,
    policy: Option<HealthPolicy>,
) -> Result<Forecast, ApiError> {
    let request = PlanAnalysisRequest {
        requests_per_second: question.requests_per_second,
        share_percent: question.share_percent,
        baseline_percent: question.baseline_percent,
        effect_percent: question.effect_percent,
        policy,
    };
    let answer = HealthMonitorServiceClient::new(transport).plan_analysis(request).await?.into_inner();
    Ok(forecast(answer))
}

fn forecast(answer: PlanAnalysisResponse) -> Forecast {
    let span = |span: Option<bellwether_proto::Duration>| span.as_ref().and_then(time::span);
    Forecast {
        fail_p50: span(answer.fail_p50),
        fail_p95: span(answer.fail_p95),
        pass_p50: span(answer.pass_p50),
        pass_p95: span(answer.pass_p95),
        notes: answer.notes,
    }
}
