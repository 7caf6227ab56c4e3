//! From what people type to the thing itself.

use std::collections::BTreeMap;

use anyhow::bail;
use bellwether_proto::{
    executor::v1::{GetRolloutRequest, GetTargetRequest, ListRolloutsRequest, Rollout, Target},
    planner::v1::{
        GetApplicationRequest, GetReleaseRequest, GetReleaseResponse, ListReleasesRequest, Release,
    },
};
use tonic::Status;

use crate::{
    names::{Reference, short},
    session::Session,
};

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
                None => Err(Status::failed_precondition(format!(
                    "{} has no rollout yet; `bellwether explain {}` says what it waits for",
                    release.display_name, release.name
                ))
                .into()),
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

/// The newest rollout of each target that has had one lately; none where they cannot be asked for.
pub async fn newest_rollouts(session: &Session) -> BTreeMap<String, Rollout> {
    let request = ListRolloutsRequest { page_size: 500, ..Default::default() };
    let page = session.executor().list_rollouts(request).await.map(|page| page.into_inner());
    let mut newest = BTreeMap::new();
    for rollout in page.map(|page| page.rollouts).unwrap_or_default() {
        // the newest come first
        newest.entry(rollout.target.clone()).or_insert(rollout);
    }
    newest
}

/// A target's newest rollout; none where it has had none, or cannot be asked for.
pub async fn newest_rollout(session: &Session, target: &str) -> Option<Rollout> {
    rollout(session, &Reference::Target(target.to_owned())).await.ok()
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
            let id = short(name).split('@').next().unwrap_or_default();
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
    match found {
        Some(found) => Ok(found),
        None => Err(no_release(session, reference).await.into()),
    }
}

/// Why there is no release: nothing was released yet, or there is no such application.
async fn no_release(session: &Session, reference: &Reference) -> Status {
    let id = match reference {
        Reference::Application(id) => id.as_str(),
        Reference::Target(name) => short(name).split('@').next().unwrap_or_default(),
        Reference::Release(_) | Reference::Rollout(_) => {
            return Status::not_found("there is no such release; `bellwether get releases` lists them");
        }
    };
    let request = GetApplicationRequest { name: id.to_owned() };
    match session.planner().get_application(request).await {
        Ok(_) => Status::not_found(format!(
            "{id} has no release yet; `bellwether release {id} --version VERSION --artifact FILE` makes one"
        )),
        Err(_) => Status::not_found(format!(
            "there is no application {id:?}; `bellwether get applications` lists them"
        )),
    }
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
        None => Err(Status::not_found(format!("{} has had no rollout yet", short(target))).into()),
    }
}

async fn newest_release(session: &Session, application: &str) -> anyhow::Result<Option<Release>> {
    let filter = format!("application = \"{application}\"");
    let request = ListReleasesRequest { page_size: 1, page_token: String::new(), filter };
    let page = session.planner().list_releases(request).await?.into_inner();
    Ok(page.releases.into_iter().next())
}
