//! Commands that change how a rollout goes on. What names a target or rollout goes straight to the executor, which needs no
//! other service; what names a release goes through the planner.

use bellwether_proto::{
    executor::v1::{
        AbortRolloutRequest, AdvanceRolloutRequest, PauseRolloutRequest, ResumeRolloutRequest,
        RollbackRolloutRequest, pause,
    },
    planner::v1 as planner,
};

use super::shown::{show, show_release};
use crate::{
    args::{ActionArgs, AdvanceArgs, PauseArgs},
    exit::Exit,
    lookup,
    names::Reference,
    render::{self, Format},
    session::Session,
};

/// What a command is about, and whose it is.
enum Subject {
    /// The planner's.
    Release(String),
    /// The executor's.
    Rollout(String),
}

/// Finds it.
async fn subject(session: &Session, thing: &str) -> anyhow::Result<Subject> {
    match thing.parse::<Reference>()? {
        Reference::Release(name) => Ok(Subject::Release(name)),
        reference => Ok(Subject::Rollout(lookup::rollout(session, &reference).await?.name)),
    }
}

/// `bellwether pause`.
///
/// # Errors
/// What the server says.
pub async fn pause(session: &Session, format: Format, args: &PauseArgs) -> anyhow::Result<Exit> {
    let (reason, after_step) = (args.reason.clone(), args.after_step);
    match subject(session, &args.thing).await? {
        Subject::Release(name) => {
            let environment = args.environment.clone();
            let request =
                planner::PauseReleaseRequest { name, environment, reason, after_step, ..Default::default() };
            let answer = session.planner().pause_release(request).await?.into_inner();
            show_release(session, format, answer.release)
        }
        Subject::Rollout(name) => {
            let owner = pause::Owner::Person.into();
            let request = PauseRolloutRequest { name, reason, after_step, owner, ..Default::default() };
            let answer = session.executor().pause_rollout(request).await?.into_inner();
            show(session, format, answer.rollout)
        }
    }
}

/// `bellwether resume`.
///
/// # Errors
/// What the server says.
pub async fn resume(session: &Session, format: Format, args: &ActionArgs) -> anyhow::Result<Exit> {
    let reason = args.reason.clone();
    match subject(session, &args.thing).await? {
        Subject::Release(name) => {
            let environment = args.environment.clone();
            let request = planner::ResumeReleaseRequest { name, environment, reason, ..Default::default() };
            let answer = session.planner().resume_release(request).await?.into_inner();
            show_release(session, format, answer.release)
        }
        Subject::Rollout(name) => {
            let owner = pause::Owner::Person.into();
            let request = ResumeRolloutRequest { name, reason, owner, ..Default::default() };
            let answer = session.executor().resume_rollout(request).await?.into_inner();
            show(session, format, answer.rollout)
        }
    }
}

/// `bellwether abort`.
///
/// # Errors
/// What the server says.
pub async fn abort(session: &Session, format: Format, args: &ActionArgs) -> anyhow::Result<Exit> {
    let reason = args.reason.clone();
    match subject(session, &args.thing).await? {
        Subject::Release(name) => {
            let environment = args.environment.clone();
            let request = planner::AbortReleaseRequest { name, environment, reason, ..Default::default() };
            let answer = session.planner().abort_release(request).await?.into_inner();
            show_release(session, format, answer.release)
        }
        Subject::Rollout(name) => {
            let request = AbortRolloutRequest { name, reason, ..Default::default() };
            let answer = session.executor().abort_rollout(request).await?.into_inner();
            show(session, format, answer.rollout)
        }
    }
}

/// `bellwether advance`.
///
/// # Errors
/// What the server says.
pub async fn advance(session: &Session, format: Format, args: &AdvanceArgs) -> anyhow::Result<Exit> {
    let found = lookup::rollout(session, &args.thing.parse()?).await?;
    let request = AdvanceRolloutRequest {
        name: found.name,
        expected_step_index: args.step.unwrap_or(found.step_index),
        all: args.all,
        reason: args.reason.clone(),
        ..Default::default()
    };
    show(session, format, session.executor().advance_rollout(request).await?.into_inner().rollout)
}

/// `bellwether rollback`: through the planner where the rollout came from a release, so that promotion is held; straight at the
/// executor where it did not, or where the planner is away.
///
/// # Errors
/// What the server says.
pub async fn rollback(session: &Session, format: Format, args: &ActionArgs) -> anyhow::Result<Exit> {
    let reference = args.thing.parse::<Reference>()?;
    if let Reference::Release(name) = reference {
        return rollback_release(session, format, name, args.environment.clone(), &args.reason).await;
    }
    let found = lookup::rollout(session, &reference).await?;
    let environment = found.target.rsplit_once('@').map_or("", |(_, environment)| environment).to_owned();
    if !found.release.is_empty() {
        let answer =
            rollback_release(session, format, found.release.clone(), environment, &args.reason).await;
        match &answer {
            Err(error) if unavailable(error) => render::note("the planner is away; promotion is not held"),
            _ => return answer,
        }
    }
    let request =
        RollbackRolloutRequest { name: found.name, reason: args.reason.clone(), ..Default::default() };
    show(session, format, session.executor().rollback_rollout(request).await?.into_inner().rollout)
}

async fn rollback_release(
    session: &Session,
    format: Format,
    name: String,
    environment: String,
    reason: &str,
) -> anyhow::Result<Exit> {
    let reason = reason.to_owned();
    let request = planner::RollbackReleaseRequest { name, environment, reason, ..Default::default() };
    show_release(session, format, session.planner().rollback_release(request).await?.into_inner().release)
}

fn unavailable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<tonic::Status>().is_some_and(|status| status.code() == tonic::Code::Unavailable)
}
