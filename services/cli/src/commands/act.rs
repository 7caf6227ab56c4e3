//! Commands that change how a rollout or release goes on. What names a target or rollout goes straight to the executor, which
//! needs no other service; what names a release goes through the planner.

use anyhow::bail;
use bellwether_proto::{
    executor::v1::{
        self as executor, AbortRolloutRequest, AdvanceRolloutRequest, HandBackRequest, PauseRolloutRequest,
        ResolveInterruptionRequest, ResumeRolloutRequest, RollbackRolloutRequest, Rollout, pause,
        resolve_interruption_request,
    },
    planner::v1 as planner,
};

use crate::{
    args::{ActionArgs, AdvanceArgs, HoldArgs, PauseArgs, PromoteArgs, Resolution, ResolveArgs, VetoArgs},
    exit::Exit,
    lookup,
    names::Reference,
    render::{self, Format, release, rollout},
    session::Session,
};

fn show(session: &Session, format: Format, found: Option<Rollout>) -> anyhow::Result<Exit> {
    if let Some(found) = found {
        render::print(format, &found, |r| rollout::view(r, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}

fn show_release(session: &Session, format: Format, found: Option<planner::Release>) -> anyhow::Result<Exit> {
    if let Some(found) = found {
        render::print(format, &found, |r| release::view(r, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}

/// `bellwether pause`.
///
/// # Errors
/// What the server says.
pub async fn pause(session: &Session, format: Format, args: &PauseArgs) -> anyhow::Result<Exit> {
    let reference = args.thing.parse::<Reference>()?;
    if let Reference::Release(name) = reference {
        let request = planner::PauseReleaseRequest {
            name,
            environment: args.environment.clone(),
            reason: args.reason.clone(),
            after_step: args.after_step,
            ..Default::default()
        };
        return show_release(
            session,
            format,
            session.planner().pause_release(request).await?.into_inner().release,
        );
    }
    let request = PauseRolloutRequest {
        name: lookup::rollout(session, &reference).await?.name,
        reason: args.reason.clone(),
        after_step: args.after_step,
        owner: pause::Owner::Person.into(),
        ..Default::default()
    };
    show(session, format, session.executor().pause_rollout(request).await?.into_inner().rollout)
}

/// `bellwether resume`.
///
/// # Errors
/// What the server says.
pub async fn resume(session: &Session, format: Format, args: &ActionArgs) -> anyhow::Result<Exit> {
    let reference = args.thing.parse::<Reference>()?;
    if let Reference::Release(name) = reference {
        let request = planner::ResumeReleaseRequest {
            name,
            environment: args.environment.clone(),
            reason: args.reason.clone(),
            ..Default::default()
        };
        return show_release(
            session,
            format,
            session.planner().resume_release(request).await?.into_inner().release,
        );
    }
    let request = ResumeRolloutRequest {
        name: lookup::rollout(session, &reference).await?.name,
        reason: args.reason.clone(),
        owner: pause::Owner::Person.into(),
        ..Default::default()
    };
    show(session, format, session.executor().resume_rollout(request).await?.into_inner().rollout)
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

/// `bellwether abort`.
///
/// # Errors
/// What the server says.
pub async fn abort(session: &Session, format: Format, args: &ActionArgs) -> anyhow::Result<Exit> {
    let reference = args.thing.parse::<Reference>()?;
    if let Reference::Release(name) = reference {
        let request = planner::AbortReleaseRequest {
            name,
            environment: args.environment.clone(),
            reason: args.reason.clone(),
            ..Default::default()
        };
        return show_release(
            session,
            format,
            session.planner().abort_release(request).await?.into_inner().release,
        );
    }
    let request = AbortRolloutRequest {
        name: lookup::rollout(session, &reference).await?.name,
        reason: args.reason.clone(),
        ..Default::default()
    };
    show(session, format, session.executor().abort_rollout(request).await?.into_inner().rollout)
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
    let request = planner::RollbackReleaseRequest {
        name,
        environment,
        reason: reason.to_owned(),
        ..Default::default()
    };
    show_release(session, format, session.planner().rollback_release(request).await?.into_inner().release)
}

fn unavailable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<tonic::Status>().is_some_and(|status| status.code() == tonic::Code::Unavailable)
}

/// `bellwether resolve`.
///
/// # Errors
/// What the server says.
pub async fn resolve(session: &Session, format: Format, args: &ResolveArgs) -> anyhow::Result<Exit> {
    use resolve_interruption_request::Resolution as Wire;
    let reference = args.thing.parse::<Reference>()?;
    let resolution = match args.resolution {
        Resolution::Retry => Wire::Retry,
        Resolution::Ignore => Wire::Ignore,
        Resolution::RollBack => Wire::RollBack,
        Resolution::TakenOver => Wire::TakenOver,
        Resolution::HandBack => return hand_back(session, format, &reference, &args.reason).await,
    };
    let name = match reference {
        Reference::Target(name) | Reference::Rollout(name) => name,
        other => lookup::rollout(session, &other).await?.name,
    };
    let request = ResolveInterruptionRequest {
        name,
        resolution: resolution.into(),
        reason: args.reason.clone(),
        ..Default::default()
    };
    show(session, format, session.executor().resolve_interruption(request).await?.into_inner().rollout)
}

async fn hand_back(
    session: &Session,
    format: Format,
    reference: &Reference,
    reason: &str,
) -> anyhow::Result<Exit> {
    let Reference::Target(target) = reference else { bail!("give the target, e.g. shop@production") };
    let request =
        HandBackRequest { request_id: String::new(), target: target.clone(), reason: reason.to_owned() };
    let found: Option<executor::Target> = session.executor().hand_back(request).await?.into_inner().target;
    if let Some(found) = found {
        render::print(format, &found, |t| render::target::view(t, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}

/// `bellwether promote`.
///
/// # Errors
/// What the server says.
pub async fn promote(session: &Session, format: Format, args: &PromoteArgs) -> anyhow::Result<Exit> {
    let request = planner::PromoteReleaseRequest {
        name: lookup::release(session, &args.thing.parse()?).await?.name,
        environment: args.environment.clone(),
        reason: args.reason.clone(),
        ..Default::default()
    };
    show_release(session, format, session.planner().promote_release(request).await?.into_inner().release)
}

/// `bellwether cancel`.
///
/// # Errors
/// What the server says.
pub async fn cancel(session: &Session, format: Format, args: &ActionArgs) -> anyhow::Result<Exit> {
    let request = planner::CancelReleaseRequest {
        name: lookup::release(session, &args.thing.parse()?).await?.name,
        reason: args.reason.clone(),
        ..Default::default()
    };
    show_release(session, format, session.planner().cancel_release(request).await?.into_inner().release)
}

/// `bellwether hold`.
///
/// # Errors
/// What the server says.
pub async fn hold(session: &Session, format: Format, args: &HoldArgs) -> anyhow::Result<Exit> {
    let request = planner::HoldPromotionRequest {
        request_id: String::new(),
        application: args.application.clone(),
        environment: args.environment.clone(),
        reason: args.reason.clone(),
    };
    if let Some(hold) = session.planner().hold_promotion(request).await?.into_inner().hold {
        render::print(format, &hold, |h| {
            format!("{} holds; release it with `bellwether unhold {} -m …`", h.name, h.name)
        })?;
    }
    Ok(Exit::Ok)
}

/// `bellwether unhold`.
///
/// # Errors
/// What the server says.
pub async fn unhold(session: &Session, args: &ActionArgs) -> anyhow::Result<Exit> {
    let request = planner::ReleaseHoldRequest {
        request_id: String::new(),
        name: args.thing.clone(),
        reason: args.reason.clone(),
    };
    session.planner().release_hold(request).await?;
    render::line(&format!("{} is released", args.thing))?;
    Ok(Exit::Ok)
}

/// `bellwether veto`.
///
/// # Errors
/// What the server says.
pub async fn veto(session: &Session, args: &VetoArgs) -> anyhow::Result<Exit> {
    let request = planner::VetoVersionRequest {
        request_id: String::new(),
        application: args.application.clone(),
        version: args.version.clone(),
        reason: args.reason.clone(),
    };
    session.planner().veto_version(request).await?;
    render::line(&format!("{} {} never starts again", args.application, args.version))?;
    Ok(Exit::Ok)
}
