//! What goes on where: `bellwether promote`, `cancel`, `hold`, `unhold`, `veto`. The planner's.

use bellwether_proto::planner::v1 as planner;

use super::shown::show_release;
use crate::{
    args::{ActionArgs, HoldArgs, PromoteArgs, VetoArgs},
    exit::Exit,
    lookup,
    render::{self, Format},
    session::Session,
};

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
