//! `bellwether watch` and `release --wait`: a rollout or release live.

use std::time::Duration;

use bellwether_client::{Watch, WatchEvent};
use bellwether_proto::{
    executor::v1::{Rollout, WatchRolloutsRequest, rollout},
    planner::v1::{Release, WatchReleasesRequest, release, release_environment},
};

use crate::{
    args::WatchArgs,
    exit::Exit,
    live::Live,
    lookup,
    names::Reference,
    render::{self, Format, fact, release as release_view, rollout as rollout_view, style},
    session::Session,
};

/// Follows a thing; ends with it when asked to.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &WatchArgs) -> anyhow::Result<Exit> {
    match args.thing.parse::<Reference>()? {
        reference @ (Reference::Application(_) | Reference::Release(_)) => {
            let found = lookup::release(session, &reference).await?;
            follow_release(session, format, &found, args.until_end).await
        }
        Reference::Target(name) => {
            follow_rollouts(session, format, &format!("target = \"{name}\""), args.until_end).await
        }
        reference @ Reference::Rollout(_) => {
            let found = lookup::rollout(session, &reference).await?;
            follow_rollouts(session, format, &format!("name = \"{}\"", found.name), args.until_end).await
        }
    }
}

/// Follows a release to its end, at most `timeout`.
///
/// # Errors
/// What the server says.
pub async fn release_to_its_end(
    session: &Session,
    format: Format,
    submitted: &Release,
    timeout: Duration,
) -> anyhow::Result<Exit> {
    match tokio::time::timeout(timeout, follow_release(session, format, submitted, true)).await {
        Ok(ended) => ended,
        Err(_) => {
            render::note(&format!(
                "{} is not at its end after {}; it goes on. `bellwether watch {}`",
                submitted.display_name,
                style::duration(timeout),
                submitted.name
            ));
            Ok(Exit::Timeout)
        }
    }
}

async fn follow_rollouts(
    session: &Session,
    format: Format,
    filter: &str,
    until_end: bool,
) -> anyhow::Result<Exit> {
    let mut watch = rollouts(session, filter);
    let live = Live::start(format);
    let mut newest: Option<Rollout> = None;
    loop {
        match watch.next().await? {
            WatchEvent::Snapshot(rollout) => {
                if newest.as_ref().is_none_or(|n| number(n) <= number(&rollout)) {
                    newest = Some(rollout);
                }
            }
            WatchEvent::Changed { change, resource } => {
                live.fact(&resource, fact::of_rollout(&change.fact, &resource))?;
                if newest.as_ref().is_none_or(|n| number(n) <= number(&resource)) {
                    newest = Some(resource);
                }
            }
            WatchEvent::Current => {
                let shown = newest.as_ref().map(|rollout| rollout_view::view(rollout, session.now()));
                live.begin(
                    &shown.unwrap_or_else(|| vec!["there was no rollout yet; waiting for one".to_owned()]),
                )?;
            }
            WatchEvent::Deleted { .. } | WatchEvent::Heartbeat => {}
        }
        let Some(shown) = &newest else { continue };
        live.show(&rollout_view::view(shown, session.now()));
        if until_end && is_over(shown) {
            live.end(&rollout_view::view(shown, session.now()))?;
            return Ok(exit_of(shown.state()));
        }
    }
}

/// Follows a release and the rollout that it has at work.
async fn follow_release(
    session: &Session,
    format: Format,
    found: &Release,
    until_end: bool,
) -> anyhow::Result<Exit> {
    let mut releases = releases(session, &format!("name = \"{}\"", found.name));
    let mut rollouts = rollouts(session, &format!("release = \"{}\"", found.name));
    let live = Live::start(format);
    live.begin(&release_view::view(found, session.now()))?;
    let mut release = found.clone();
    let mut rollout: Option<Rollout> = None;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            event = releases.next() => match event? {
                WatchEvent::Snapshot(now) => release = now,
                WatchEvent::Changed { change, resource } => {
                    live.fact(&resource, fact::of_release(&change.fact, &resource))?;
                    release = resource;
                }
                WatchEvent::Current | WatchEvent::Deleted { .. } | WatchEvent::Heartbeat => {}
            },
            event = rollouts.next() => match event? {
                WatchEvent::Snapshot(now) => rollout = newer(rollout, now),
                WatchEvent::Changed { change, resource } => {
                    live.fact(&resource, fact::of_rollout(&change.fact, &resource))?;
                    rollout = newer(rollout, resource);
                }
                WatchEvent::Current | WatchEvent::Deleted { .. } | WatchEvent::Heartbeat => {}
            },
            _ = ticks.tick() => {}
        }
        let mut lines = release_view::view(&release, session.now());
        if let Some(rollout) = &rollout {
            lines.push(String::new());
            lines.extend(rollout_view::view(rollout, session.now()));
        }
        live.show(&lines);
        if until_end && let Some(exit) = outcome(&release) {
            live.end(&lines)?;
            if format != Format::Table {
                render::print(format, &release, |_| String::new())?;
            }
            return Ok(exit);
        }
    }
}

fn newer(old: Option<Rollout>, new: Rollout) -> Option<Rollout> {
    let version = |r: &Rollout| r.metadata.as_ref().map_or(0, |m| m.version);
    match old {
        Some(old) if old.name == new.name && version(&old) > version(&new) => Some(old),
        _ => Some(new),
    }
}

fn rollouts(session: &Session, filter: &str) -> Watch<Rollout> {
    let (client, filter) = (session.executor(), filter.to_owned());
    Watch::new(session.env(), move |resume_token| {
        let (mut client, filter) = (client.clone(), filter.clone());
        async move { client.watch_rollouts(WatchRolloutsRequest { filter, resume_token }).await }
    })
}

fn releases(session: &Session, filter: &str) -> Watch<Release> {
    let (client, filter) = (session.planner(), filter.to_owned());
    Watch::new(session.env(), move |resume_token| {
        let (mut client, filter) = (client.clone(), filter.clone());
        async move { client.watch_releases(WatchReleasesRequest { filter, resume_token }).await }
    })
}

/// `17` of `shop@production-17`.
fn number(rollout: &Rollout) -> u64 {
    rollout.display_name.rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}

fn is_over(rollout: &Rollout) -> bool {
    exit_of(rollout.state()) != Exit::Failure
}

/// The exit code of a final state; FAILURE for those that are not final.
fn exit_of(state: rollout::State) -> Exit {
    use rollout::State;
    match state {
        State::Succeeded => Exit::Ok,
        State::RolledBack => Exit::RolledBack,
        State::Superseded | State::Cancelled => Exit::Rejected,
        State::NeedsOperator => Exit::NeedsOperator,
        State::Unspecified | State::Pending | State::Running | State::RollingBack | State::Recovering => {
            Exit::Failure
        }
    }
}

/// How a release ended; `None` while it goes on.
fn outcome(found: &Release) -> Option<Exit> {
    use release::State;
    let needs_operator = found.environments.iter().any(|e| {
        e.state() == release_environment::State::RollingOut
            && e.reason.as_ref().is_some_and(|r| r.code == "NEEDS_OPERATOR")
    });
    match found.state() {
        State::Completed => Some(Exit::Ok),
        State::RolledBack => Some(Exit::RolledBack),
        State::Rejected | State::Cancelled | State::Expired | State::Superseded => Some(Exit::Rejected),
        State::Failed => Some(Exit::Failed),
        State::RollingOut if needs_operator => Some(Exit::NeedsOperator),
        State::Unspecified | State::Waiting | State::RollingOut | State::Soaking => None,
    }
}
