//! `bellwether health`: for health checks of containers and scripts.

use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::{exit::Exit, render, session::Session};

/// Asks the server whether it is ready.
///
/// # Errors
/// When it cannot be reached.
pub async fn run(session: &Session) -> anyhow::Result<Exit> {
    let answer = session.health().check(HealthCheckRequest { service: String::new() }).await?.into_inner();
    let status = answer.status();
    render::line(status.as_str_name())?;
    Ok(if status == ServingStatus::Serving { Exit::Ok } else { Exit::Unavailable })
}
