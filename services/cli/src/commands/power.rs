//! `bellwether power`: how long a share of traffic needs to show a fault, and to pass without one.

use bellwether_proto::{
    Duration,
    monitor::v1::{HealthPolicy, PlanAnalysisRequest, PlanAnalysisResponse},
    planner::v1::GetApplicationRequest,
};
use serde::Serialize;

use crate::{
    args::PowerArgs,
    exit::Exit,
    names::{Reference, short},
    render::{self, Format, style},
    session::Session,
};

/// The answer for one share.
#[derive(Serialize)]
struct Row {
    share_percent: f64,
    requests_per_second: f64,
    #[serde(flatten)]
    analysis: PlanAnalysisResponse,
}

/// Prints the table.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &PowerArgs) -> anyhow::Result<Exit> {
    let policy = match &args.policy_of {
        Some(target) => Some(policy_of(session, target).await?),
        None => None,
    };
    let effect_percent = args.effect.percent(args.baseline);
    let mut rows = Vec::new();
    for &share_percent in &args.share {
        let request = PlanAnalysisRequest {
            requests_per_second: args.rps,
            share_percent,
            baseline_percent: args.baseline,
            effect_percent,
            policy: policy.clone(),
        };
        let analysis = session.monitor().plan_analysis(request).await?.into_inner();
        rows.push(Row { share_percent, requests_per_second: args.rps * share_percent / 100.0, analysis });
    }
    render::print(format, &rows, |rows| view(rows, args, effect_percent))?;
    Ok(Exit::Ok)
}

/// The health policy of an application in an environment.
async fn policy_of(session: &Session, target: &str) -> anyhow::Result<HealthPolicy> {
    let name = Reference::target(target)?;
    let (application, environment) = short(&name).split_once('@').unwrap_or_default();
    let request = GetApplicationRequest { name: application.to_owned() };
    let found =
        session.planner().get_application(request).await?.into_inner().application.unwrap_or_default();
    let Some(own) = found.environments.get(environment) else {
        return Err(
            tonic::Status::not_found(format!("{application} is not deployed to {environment}")).into()
        );
    };
    let inherited = found.defaults.as_ref().and_then(|defaults| defaults.health.clone());
    Ok(own.health.clone().or(inherited).unwrap_or_default())
}

fn view(rows: &[Row], args: &PowerArgs, effect_percent: f64) -> String {
    let times = |p50: &Option<Duration>, p95: &Option<Duration>| [span(p50), span(p95)];
    let cells = rows.iter().map(|row| {
        let [fail_p50, fail_p95] = times(&row.analysis.fail_p50, &row.analysis.fail_p95);
        let [pass_p50, pass_p95] = times(&row.analysis.pass_p50, &row.analysis.pass_p95);
        [
            style::percent(row.share_percent),
            format!("{}", (row.requests_per_second * 100.0).round() / 100.0),
            fail_p50,
            fail_p95,
            pass_p50,
            pass_p95,
        ]
    });
    let header = ["SHARE", "REQUESTS/S", "FAILS 50 %", "FAILS 95 %", "PASSES 50 %", "PASSES 95 %"];
    let mut lines = vec![
        format!(
            "with {} requests/s and {} % errors today: when {} % errors FAIL, and when a version as good as today's PASSES",
            args.rps, args.baseline, effect_percent
        ),
        render::table(header, cells),
    ];
    for row in rows {
        let share = style::percent(row.share_percent);
        lines.extend(row.analysis.notes.iter().map(|note| format!("at {share}: {note}")));
    }
    lines.join("\n")
}

/// `-`: not within a day.
fn span(span: &Option<Duration>) -> String {
    span.as_ref().map_or_else(|| "-".to_owned(), |span| style::duration(style::span(span)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Effect;

    #[test]
    fn what_is_not_within_a_day_is_a_dash_and_notes_name_their_share() {
        let analysis = PlanAnalysisResponse {
            fail_p50: Some(std::time::Duration::from_secs(90).into()),
            notes: vec!["give it a larger share".to_owned()],
            ..Default::default()
        };
        let rows = [Row { share_percent: 10.0, requests_per_second: 1.2, analysis }];
        let args = PowerArgs {
            rps: 12.0,
            share: vec![10.0],
            baseline: 1.0,
            effect: Effect::Times(2.0),
            policy_of: None,
        };
        let text = view(&rows, &args, 2.0);
        assert!(text.contains("when 2 % errors FAIL"), "{text}");
        let row: Vec<_> = text.lines().nth(2).unwrap().split_whitespace().collect();
        assert_eq!(row, ["10", "%", "1.2", "1m30s", "-", "-", "-"]);
        assert!(text.ends_with("at 10 %: give it a larger share"), "{text}");
    }
}
