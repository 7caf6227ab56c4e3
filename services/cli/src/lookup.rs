//! From what people type to the thing itself.

use anyhow::bail;
use bellwether_proto::{
    executor::v1::{GetRolloutRequest, GetTargetRequest, ListRolloutsRequest, Rollout, Target},
    planner::v1::{GetReleaseRequest, GetReleaseResponse, ListReleasesRequest, Release},
};
use tonic::Status;

use crate::{names::Reference, session::Session};

/// One rollout: the named one, the one at work on a target, or a target's newest.
///
/// # Errors
/// When there is none, or what the server says.
pub async fn rollout(session: &Session, reference: &Reference) -> anyhow::Result<Rollout> {
    match reference {
        Reference::Rollout(name) => by_name(session, name).await,
        Reference::Target(name) => {
            let target = target(session, name).await?;
            if target.active_rollout.is_empty() {
                newest(session, name).await
            } else {
                by_name(session, &target.active_rollout).await
            }
        }
        Reference::Release(_) | Reference::Application(_) => {
            let release = release(session, reference).await?;
            let rollout =
                release.environments.iter().rev().map(|e| e.rollout.as_str()).find(|name| !name.is_empty());
            match rollout {
                Some(name) => by_name(session, name).await,
                None => bail!(
                    "{} has no rollout yet; `bellwether explain {}` says what it waits for",
                    release.display_name,
                    release.name
                ),
            }
        }
    }
}

/// One target.
///
/// # Errors
/// What the server says.
pub async fn target(session: &Session, name: &str) -> anyhow::Result<Target> {
    let request = GetTargetRequest { name: name.to_owned() };
    let found = session.executor().get_target(request).await?.into_inner().target;
    found.ok_or_else(|| anyhow::anyhow!("the executor answered without a target"))
}

/// For people: each rollout at work by its display name. It keeps its name where it cannot be asked for.
pub async fn name_rollouts(session: &Session, targets: &mut [Target]) {
    for target in targets.iter_mut().filter(|target| !target.active_rollout.is_empty()) {
        if let Ok(rollout) = by_name(session, &target.active_rollout).await {
            target.active_rollout = rollout.display_name;
        }
    }
}

/// One release: the named one, or an application's newest.
///
/// # Errors
/// When there is none, or what the server says.
pub async fn release(session: &Session, reference: &Reference) -> anyhow::Result<Release> {
    let found = match reference {
        Reference::Release(name) => planned(session, name).await?.release,
        Reference::Application(id) => newest_release(session, id).await?,
        Reference::Target(name) => {
            let id = crate::names::short(name).split('@').next().unwrap_or_default();
            newest_release(session, id).await?
        }
        Reference::Rollout(name) => {
            let rollout = by_name(session, name).await?;
            if rollout.release.is_empty() {
                bail!("{} was started by hand; it has no release", rollout.display_name);
            }
            planned(session, &rollout.release).await?.release
        }
    };
    found.ok_or_else(|| {
        Status::not_found("there is no such release; `bellwether get releases` lists them").into()
    })
}

/// A release with its plan.
///
/// # Errors
/// What the server says.
pub async fn planned(session: &Session, name: &str) -> anyhow::Result<GetReleaseResponse> {
    Ok(session.planner().get_release(GetReleaseRequest { name: name.to_owned() }).await?.into_inner())
}

async fn by_name(session: &Session, name: &str) -> anyhow::Result<Rollout> {
    let request = GetRolloutRequest { name: name.to_owned() };
    let found = session.executor().get_rollout(request).await?.into_inner().rollout;
    found.ok_or_else(|| anyhow::anyhow!("the executor answered without a rollout"))
}

async fn newest(session: &Session, target: &str) -> anyhow::Result<Rollout> {
    let request = ListRolloutsRequest {
        page_size: 1,
        page_token: String::new(),
        filter: format!("target = \"{target}\""),
    };
    let page = session.executor().list_rollouts(request).await?.into_inner();
    match page.rollouts.into_iter().next() {
        Some(rollout) => Ok(rollout),
        None => {
            Err(Status::not_found(format!("{} has had no rollout yet", crate::names::short(target))).into())
        }
    }
}

async fn newest_release(session: &Session, application: &str) -> anyhow::Result<Option<Release>> {
    let filter = format!("application = \"{application}\"");
    let request = ListReleasesRequest { page_size: 1, page_token: String::new(), filter };
    let page = session.planner().list_releases(request).await?.into_inner();
    Ok(page.releases.into_iter().next())
}
