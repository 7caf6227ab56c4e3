//! `bellwether emergency route`: moves traffic at the agent itself, with every service dead.

use bellwether_proto::agent::v1::{TakeOverRequest, TakeOverResponse};

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
    let name = Reference::target(target)?;
    let request =
        TakeOverRequest { target: name, fleet: names::short(fleet).to_owned(), reason: reason.clone() };
    let answer = session.agent_at(agent)?.take_over(request).await?.into_inner();
    render::print(format, &answer, |answer| view(target, answer))?;
    Ok(Exit::Ok)
}

/// What gets the traffic of `target` now, by its version.
fn view(target: &str, answer: &TakeOverResponse) -> String {
    let shares = answer.route.iter().flat_map(|route| &route.split);
    let split: Vec<String> = shares
        .map(|share| {
            let who = if answer.version.is_empty() {
                format!("fleet {}", style::tail(&share.fleet))
            } else {
                answer.version.clone()
            };
            format!("{} to {who}", style::percent(share.percent))
        })
        .collect();
    let split = if split.is_empty() { "no traffic to anyone".to_owned() } else { split.join(", ") };
    format!(
        "{target} is taken over: {split}, read back from the gateway.\nNothing converges on it until `bellwether resolve \
         {target} hand-back -m …`."
    )
}

#[cfg(test)]
mod tests {
    use bellwether_proto::{agent::v1::ObservedRoute, executor::v1::Share};

    use super::*;

    #[test]
    fn people_read_versions_and_no_ids() {
        let fleet = "01a20c5e-9457-7e0d-9cb4-3946b2f2c442".to_owned();
        let split = vec![Share { fleet, percent: 100.0 }];
        let route = Some(ObservedRoute { split, ..Default::default() });
        let known = TakeOverResponse { route: route.clone(), version: "1.4.1".to_owned() };
        let text = view("shop@production", &known);
        assert!(text.starts_with("shop@production is taken over: 100 % to 1.4.1,"), "{text}");
        let unknown = view("shop@production", &TakeOverResponse { route, ..Default::default() });
        assert!(unknown.contains("100 % to fleet b2f2c442"), "{unknown}");
    }
}
