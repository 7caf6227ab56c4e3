//! `bellwether get`: lists of things, all pages.

use bellwether_proto::{
    executor::v1 as executor,
    monitor::v1 as monitor,
    planner::v1::{self as planner, environment::PromotionMode},
};

use crate::{
    args::{GetArgs, What},
    exit::Exit,
    lookup,
    names::short,
    render::{self, Format, release, rollout, style, target},
    session::Session,
};

const PAGE: i32 = 500;

/// Calls a list method until its last page.
macro_rules! all_pages {
    ($client:expr, $method:ident, $request:ty, $field:ident, $filter:expr) => {{
        let mut items = Vec::new();
        let mut page_token = String::new();
        loop {
            type Request = $request;
            let request = Request { page_size: PAGE, page_token, filter: $filter.to_owned() };
            let page = $client.$method(request).await?.into_inner();
            items.extend(page.$field);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break items;
            }
        }
    }};
}

/// All rollouts that match.
///
/// # Errors
/// What the server says.
pub async fn rollouts(session: &Session, filter: &str) -> anyhow::Result<Vec<executor::Rollout>> {
    Ok(all_pages!(session.executor(), list_rollouts, executor::ListRolloutsRequest, rollouts, filter))
}

/// All targets that match.
///
/// # Errors
/// What the server says.
pub async fn targets(session: &Session, filter: &str) -> anyhow::Result<Vec<executor::Target>> {
    Ok(all_pages!(session.executor(), list_targets, executor::ListTargetsRequest, targets, filter))
}

/// Prints a list.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &GetArgs) -> anyhow::Result<Exit> {
    let (filter, now) = (args.filter.as_str(), session.now());
    match args.what {
        What::Rollouts => {
            render::print(format, &rollouts(session, filter).await?, |all| rollout::list(all, now))?
        }
        What::Targets => {
            let mut all = targets(session, filter).await?;
            if format == Format::Table {
                lookup::name_rollouts(session, &mut all).await;
            }
            let newest = match format {
                Format::Table => lookup::newest_rollouts(session).await,
                Format::Json | Format::Yaml => Default::default(),
            };
            render::print(format, &all, |all| target::list(all, &newest, now))?;
        }
        What::Releases => {
            let all =
                all_pages!(session.planner(), list_releases, planner::ListReleasesRequest, releases, filter);
            render::print(format, &all, |all| release::list(all, now))?;
        }
        What::Applications => {
            let all = all_pages!(
                session.planner(),
                list_applications,
                planner::ListApplicationsRequest,
                applications,
                filter
            );
            render::print(format, &all, |all| applications(all))?;
        }
        What::Environments => {
            let all = all_pages!(
                session.planner(),
                list_environments,
                planner::ListEnvironmentsRequest,
                environments,
                filter
            );
            render::print(format, &all, |all| environments(all))?;
        }
        What::Holds => {
            let all = all_pages!(session.planner(), list_holds, planner::ListHoldsRequest, holds, filter);
            render::print(format, &all, |all| holds(all, now))?;
        }
        What::Analyses => {
            let all =
                all_pages!(session.monitor(), list_analyses, monitor::ListAnalysesRequest, analyses, filter);
            render::print(format, &all, |all| analyses(all))?;
        }
    }
    Ok(Exit::Ok)
}

fn applications(all: &[planner::Application]) -> String {
    render::table(
        ["APPLICATION", "TYPE", "ENVIRONMENTS"],
        all.iter().map(|application| {
            let mut environments: Vec<String> = application.environments.keys().cloned().collect();
            environments.sort();
            let kind = match application.r#type() {
                planner::ApplicationType::Unspecified => planner::ApplicationType::Custom,
                kind => kind,
            };
            let kind = style::state(kind.as_str_name(), "APPLICATION_TYPE_").to_lowercase().replace('_', "-");
            [short(&application.name).to_owned(), kind, environments.join(", ")]
        }),
    )
}

fn environments(all: &[planner::Environment]) -> String {
    render::table(
        ["ENVIRONMENT", "FROM", "PROMOTION", "SOAK", "APPROVALS"],
        all.iter().map(|environment| {
            let soak =
                environment.soak.as_ref().map_or_else(|| "-".to_owned(), |d| style::duration(style::span(d)));
            [
                short(&environment.name).to_owned(),
                environment.upstreams.join(", "),
                match environment.promotion() {
                    PromotionMode::Manual => "manual",
                    PromotionMode::Auto | PromotionMode::Unspecified => "auto",
                }
                .to_owned(),
                soak,
                environment
                    .approvals
                    .iter()
                    .map(|rule| format!("{} × {}", rule.count, rule.id))
                    .collect::<Vec<_>>()
                    .join(", "),
            ]
        }),
    )
}

fn holds(all: &[planner::Hold], now: jiff::Timestamp) -> String {
    render::table(
        ["HOLD", "APPLICATION", "ENVIRONMENT", "BY", "SINCE", "WHY"],
        all.iter().map(|hold| {
            let or_all = |text: &str| if text.is_empty() { "all".to_owned() } else { text.to_owned() };
            [
                hold.name.clone(),
                or_all(&hold.application),
                or_all(&hold.environment),
                hold.principal.as_ref().map_or_else(|| "-".to_owned(), |p| p.id.clone()),
                style::ago(hold.create_time.as_ref(), now),
                hold.reason.clone(),
            ]
        }),
    )
}

fn analyses(all: &[monitor::Analysis]) -> String {
    render::table(
        ["ANALYSIS", "TARGET", "STATE", "SEGMENT", "DECISION", "LN E"],
        all.iter().map(|analysis| {
            let verdict = analysis.verdict.as_ref();
            [
                short(&analysis.name).to_owned(),
                short(&analysis.target).to_owned(),
                style::state(analysis.state().as_str_name(), "STATE_"),
                analysis.segment.as_ref().map_or_else(|| "-".to_owned(), |s| s.index.to_string()),
                verdict.map_or_else(
                    || "-".to_owned(),
                    |v| style::state(v.decision().as_str_name(), "DECISION_"),
                ),
                verdict.map_or_else(
                    || "-".to_owned(),
                    |v| format!("{:.1}/{:.1}", v.log_evidence, v.log_evidence_limit),
                ),
            ]
        }),
    )
}
