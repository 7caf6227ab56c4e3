//! `bellwether resolve`: answers a rollout or target that needs an operator.

use bellwether_proto::executor::v1::{
    HandBackRequest, ResolveInterruptionRequest, Target, resolve_interruption_request,
};

use super::shown::show;
use crate::{
    args::{Resolution, ResolveArgs},
    exit::Exit,
    lookup,
    names::Reference,
    render::{self, Format},
    session::Session,
};

/// Answers it.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &ResolveArgs) -> anyhow::Result<Exit> {
    use resolve_interruption_request::Resolution as Wire;
    let reference = args.thing.parse::<Reference>()?;
    let resolution = match args.resolution {
        Resolution::Retry => Wire::Retry,
        Resolution::Ignore => Wire::Ignore,
        Resolution::RollBack => Wire::RollBack,
        Resolution::TakenOver => Wire::TakenOver,
        Resolution::HandBack => return hand_back(session, format, &args.thing, &args.reason).await,
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

async fn hand_back(session: &Session, format: Format, thing: &str, reason: &str) -> anyhow::Result<Exit> {
    let target = Reference::target(thing)?;
    let request = HandBackRequest { request_id: String::new(), target, reason: reason.to_owned() };
    let found: Option<Target> = session.executor().hand_back(request).await?.into_inner().target;
    if let Some(found) = found {
        render::print(format, &found, |t| render::target::view(t, None, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}
