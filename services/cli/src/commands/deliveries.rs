//! `bellwether deliveries`: what was told to whom, and whether it arrived.

use bellwether_proto::notifier::v1::{ListDeliveriesRequest, ReplayDeliveryRequest};

use crate::{
    args::DeliveriesArgs,
    exit::Exit,
    render::{self, Format, rollout, style},
    session::Session,
};

/// Lists the newest, or sends one again.
///
/// # Errors
/// What the server says.
pub async fn run(session: &Session, format: Format, args: &DeliveriesArgs) -> anyhow::Result<Exit> {
    if let Some(name) = &args.replay {
        let request = ReplayDeliveryRequest { name: name.clone(), ..Default::default() };
        session.notifier().replay_delivery(request).await?;
        render::line(&format!("{name} is sent again"))?;
        return Ok(Exit::Ok);
    }
    let request =
        ListDeliveriesRequest { page_size: 100, page_token: String::new(), filter: args.filter.clone() };
    let page = session.notifier().list_deliveries(request).await?.into_inner();
    let now = session.now();
    render::print(format, &page.deliveries, |all| {
        render::table(
            ["DELIVERY", "RECEIVER", "STATE", "SUBJECT", "FACT", "ATTEMPTS", "AGE", "WHY"],
            all.iter().map(|delivery| {
                let message = delivery.message.as_ref();
                [
                    delivery.name.clone(),
                    delivery.receiver.clone(),
                    style::state(delivery.state().as_str_name(), "STATE_"),
                    message.map_or_else(String::new, |m| m.subject.clone()),
                    message.and_then(|m| m.labels.get("fact")).cloned().unwrap_or_default(),
                    delivery.attempt_count.to_string(),
                    style::ago(delivery.metadata.as_ref().and_then(|m| m.create_time.as_ref()), now),
                    delivery.reason.as_ref().map_or_else(String::new, rollout::brief),
                ]
            }),
        )
    })?;
    Ok(Exit::Ok)
}
