//! What a command answers with: the thing as it stands then.

use bellwether_proto::{executor::v1::Rollout, planner::v1::Release};

use crate::{
    exit::Exit,
    render::{self, Format, release, rollout},
    session::Session,
};

/// Prints a rollout.
///
/// # Errors
/// When standard output cannot be written.
pub fn show(session: &Session, format: Format, found: Option<Rollout>) -> anyhow::Result<Exit> {
    if let Some(found) = found {
        render::print(format, &found, |r| rollout::view(r, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}

/// Prints a release.
///
/// # Errors
/// When standard output cannot be written.
pub fn show_release(session: &Session, format: Format, found: Option<Release>) -> anyhow::Result<Exit> {
    if let Some(found) = found {
        render::print(format, &found, |r| release::view(r, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}
