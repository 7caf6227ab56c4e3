//! `bellwether status` and `why`: is traffic safe, since when, and what can I do?

use std::time::Duration;

use bellwether_proto::{
    executor::v1::{Rollout, Target},
    monitor::v1::{Decision, GetImpactRequest, GetImpactResponse},
    planner::v1::Release,
};

use super::get;
use crate::{
    args::ThingArgs,
    exit::Exit,
    lookup,
    names::{Reference, Unfit, short},
    render::{self, Format, checks, impact, release, rollout, target},
    session::Session,
};

/// What people ask for does not wait longer than this for what is only of use beside it.
const ASIDE: Duration = Duration::from_secs(3);

/// Prints the status of a thing, or of everything.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &ThingArgs) -> anyhow::Result<Exit> {
    let now = session.now();
    let Some(thing) = &args.thing else { return everything(session, format).await };
    match thing.parse::<Reference>()? {
        Reference::Target(name) => {
            let found = lookup::target(session, &name).await?;
            if format != Format::Table {
                return render::print(format, &found, |_| String::new()).map(|()| Exit::Ok);
            }
            one_target(session, found).await?;
        }
        reference @ Reference::Rollout(_) => {
            let found = lookup::rollout(session, &reference).await?;
            render::print(format, &found, |r| rollout::view(r, now).join("\n"))?;
        }
        reference @ (Reference::Release(_) | Reference::Application(_)) => {
            let found = lookup::release(session, &reference).await?;
            let safety = if format == Format::Table { safety(session, &found).await } else { Vec::new() };
            render::print(format, &found, |r| [safety, release::view(r, now)].concat().join("\n"))?;
        }
    }
    Ok(Exit::Ok)
}

/// A target, and the rollout that it has at work.
async fn one_target(session: &Session, mut found: Target) -> anyhow::Result<()> {
    let newest = lookup::newest_rollout(session, &found.name).await;
    lookup::name_rollouts(session, std::slice::from_mut(&mut found)).await;
    let active = newest.as_ref().filter(|rollout| rollout.end_time.is_none());
    // what can be done with the rollout stands below
    let of_rollout = |action: &_| active.is_some_and(|rollout| rollout.allowed_actions.contains(action));
    found.allowed_actions.retain(|action| !of_rollout(action));
    render::line(&target::view(&found, newest.as_ref(), session.now()).join("\n"))?;
    match active {
        Some(active) => render::line(&format!("\n{}", rollout::view(active, session.now()).join("\n"))),
        None => Ok(()),
    }
}

/// Whether traffic is safe wherever the release goes, a line for each target; nothing where the executor is away.
async fn safety(session: &Session, found: &Release) -> Vec<String> {
    let application = short(&found.application);
    let Ok(targets) = get::targets(session, &format!("application = {application:?}")).await else {
        return Vec::new();
    };
    let newest = lookup::newest_rollouts(session).await;
    let line = |it: &Target| target::safety(it, newest.get(&it.name), session.now());
    targets.iter().filter(|it| target::is_used(it)).map(line).collect()
}

async fn everything(session: &Session, format: Format) -> anyhow::Result<Exit> {
    let mut targets = get::targets(session, "").await?;
    if format != Format::Table {
        return render::print(format, &targets, |_| String::new()).map(|()| Exit::Ok);
    }
    lookup::name_rollouts(session, &mut targets).await;
    let used = || targets.iter().filter(|target| target::is_used(target));
    let (safe, unsafe_ones): (Vec<_>, Vec<_>) = used().partition(|t| t.traffic_safe);
    let headline = match (used().next().is_none(), unsafe_ones.is_empty()) {
        (true, _) if targets.is_empty() => {
            "nothing is released yet; `bellwether init` writes an application to start from".to_owned()
        }
        (true, _) => {
            let id = targets.first().and_then(|it| short(&it.name).split('@').next()).unwrap_or("APP");
            format!("nothing is released yet; `bellwether release {id} --version VERSION --artifact FILE`")
        }
        (false, true) => format!("TRAFFIC IS SAFE on {}", of_all(safe.len())),
        (false, false) => {
            format!("TRAFFIC IS NOT SAFE on {} of {} targets", unsafe_ones.len(), used().count())
        }
    };
    render::line(&headline)?;
    if !targets.is_empty() {
        let newest = lookup::newest_rollouts(session).await;
        render::line(&target::list(&targets, &newest, session.now()))?;
    }
    Ok(Exit::Ok)
}

/// `the one target`, `all 3 targets`.
fn of_all(targets: usize) -> String {
    if targets == 1 { "the one target".to_owned() } else { format!("all {targets} targets") }
}

/// Prints why a thing is in its state: the reason, the numbers, and what would change it.
///
/// # Errors
/// What the server says.
pub async fn why(session: &Session, format: Format, args: &ThingArgs) -> anyhow::Result<Exit> {
    let Some(thing) = &args.thing else {
        let text = "give a target, rollout, application or release, e.g. `bellwether why shop@production`";
        return Err(Unfit(text.to_owned()).into());
    };
    let reference = thing.parse::<Reference>()?;
    if let Reference::Release(_) | Reference::Application(_) = reference {
        let found = lookup::release(session, &reference).await?;
        if found.environments.iter().all(|e| e.rollout.is_empty()) {
            render::print(format, &found, |r| release::view(r, session.now()).join("\n"))?;
            return Ok(Exit::Ok);
        }
    }
    let found = lookup::rollout(session, &reference).await?;
    let impact = if format == Format::Table { impact_of(session, &found).await } else { None };
    render::print(format, &found, |r| explain(r, impact.as_ref()).join("\n"))?;
    Ok(Exit::Ok)
}

/// What a rollout did to users; none where nothing is recorded of it, or the monitor is away.
async fn impact_of(session: &Session, found: &Rollout) -> Option<GetImpactResponse> {
    let name = found.name.replacen("rollouts/", "analyses/", 1);
    let mut monitor = session.monitor();
    let answer = tokio::time::timeout(ASIDE, monitor.get_impact(GetImpactRequest { name })).await;
    answer.ok()?.ok().map(tonic::Response::into_inner)
}

/// How an instance ended, as people say it.
fn ended(code: Option<i32>, signal: Option<i32>) -> String {
    match (code, signal) {
        (Some(code), _) => format!("with code {code}"),
        (None, Some(signal)) => format!("by signal {signal}"),
        (None, None) => "for a reason that is not known".to_owned(),
    }
}

fn explain(found: &Rollout, impact: Option<&GetImpactResponse>) -> Vec<String> {
    let mut lines = vec![format!("{} is {}", found.display_name, rollout::state(found))];
    if let Some(reason) = &found.reason {
        lines.push(format!("because    {}", rollout::reason(reason)));
    }
    for step in found.steps.iter().filter(|s| s.reason.is_some()) {
        if let Some(reason) = &step.reason {
            lines.push(format!("step       {}: {}", step.name, rollout::reason(reason)));
        }
    }
    let deciding = found.evidence.as_ref().and_then(|e| e.verdict.as_ref()).or(found.verdict.as_ref());
    if let Some(verdict) = deciding.filter(|v| v.decision() != Decision::Unspecified) {
        lines.push(format!("verdict    {}", checks::headline(verdict)));
        lines.extend(checks::lines(verdict).into_iter().map(|line| format!("           {line}")));
    }
    lines.extend(impact.and_then(impact::line).map(|line| format!("users      {line}")));
    if let Some(evidence) = &found.evidence {
        for exit in &evidence.exits {
            lines.push(format!("exit       {}", ended(exit.code, exit.signal)));
            lines
                .extend(exit.log_tail.iter().rev().take(10).rev().map(|line| format!("           | {line}")));
        }
        lines.extend(evidence.configuration_diff.iter().map(|line| format!("differs    {line}")));
    }
    for waiting in &found.waiting_on {
        lines.push(format!("waits for  {}", waiting.text));
    }
    for command in &found.commands {
        let who = command.principal.as_ref().map_or("?", |p| p.id.as_str());
        let why = if command.reason.is_empty() { String::new() } else { format!(": {}", command.reason) };
        lines.push(format!("command    {} by {who}{why}", command.method));
    }
    lines.extend(rollout::actions(&found.allowed_actions));
    lines
}
