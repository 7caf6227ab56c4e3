//! `bellwether explain`: what a release waits for, and what would open it.

use bellwether_proto::planner::v1::{ExplainAdmissionRequest, ExplainAdmissionResponse};

use crate::{
    args::ExplainArgs,
    exit::Exit,
    lookup,
    render::{self, Format, release, style},
    session::Session,
};

/// Prints every condition of every environment that has not started.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &ExplainArgs) -> anyhow::Result<Exit> {
    let found = lookup::release(session, &args.thing.parse()?).await?;
    let environments: Vec<String> = match &args.environment {
        Some(environment) => vec![environment.clone()],
        None => found
            .environments
            .iter()
            .filter(|e| e.rollout.is_empty())
            .map(|e| e.environment.clone())
            .collect(),
    };
    if environments.is_empty() {
        render::line(&format!(
            "{} waits for nothing: it is {}; `bellwether status {}`",
            found.display_name,
            style::state(found.state().as_str_name(), "STATE_"),
            found.name
        ))?;
    }
    for environment in environments {
        let request = ExplainAdmissionRequest { name: found.name.clone(), environment: environment.clone() };
        let answer = session.planner().explain_admission(request).await?.into_inner();
        render::print(format, &answer, |a| view(a, &environment, session.now()))?;
    }
    Ok(Exit::Ok)
}

fn view(answer: &ExplainAdmissionResponse, environment: &str, now: jiff::Timestamp) -> String {
    let mut lines =
        vec![format!("{environment}: {}", if answer.open { "may start now" } else { "must wait" })];
    lines.extend(release::conditions(&answer.conditions, now).into_iter().map(|line| format!("  {line}")));
    if let Some(next) = answer.next_change_time.as_ref().and_then(style::time) {
        lines.push(format!("  something changes by itself in {}", style::between(now, next)));
    }
    lines.join("\n")
}
