//! `bellwether emergency route`: moves traffic at the agent itself, with every service dead.

use bellwether_proto::agent::v1::TakeOverRequest;

use crate::{
    args::EmergencyCommand,
    exit::Exit,
    names::{self, Reference},
    render::{self, Format, style},
    session::Session,
};

/// Takes the target over.
///
/// # Errors
/// When the agent cannot be found or reached.
pub async fn run(session: &Session, format: Format, command: &EmergencyCommand) -> anyhow::Result<Exit> {
    let EmergencyCommand::Route { target, stable: _, fleet, reason, agent } = command;
    let Reference::Target(name) = target.parse::<Reference>()? else {
        anyhow::bail!("{target:?} is no target; give e.g. shop@production");
    };
    let request =
        TakeOverRequest { target: name, fleet: names::short(fleet).to_owned(), reason: reason.clone() };
    let answer = session.agent_at(agent)?.take_over(request).await?.into_inner();
    render::print(format, &answer, |answer| {
        let shares = answer.route.iter().flat_map(|route| &route.split);
        let split: Vec<String> =
            shares.map(|s| format!("{} to {}", style::percent(s.percent), s.fleet)).collect();
        format!(
            "{target} is taken over: {}, read back from the gateway.\nNothing converges on it until `bellwether resolve \
             {target} hand-back -m …`.",
            if split.is_empty() { "no traffic to anyone".to_owned() } else { split.join(", ") }
        )
    })?;
    Ok(Exit::Ok)
}
