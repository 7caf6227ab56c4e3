//! Listing and replaying deliveries.

use bellwether_proto::notifier::v1 as pb;
use bellwether_resource::{Filter, FilterField, Paging, Violations, error::NOT_FOUND};
use bellwether_server::Caller;
use tonic::Status;
use uuid::Uuid;

use super::{Api, view};
use crate::{convert, outbox::Delivery};

const FIELDS: &[FilterField] = &[
    FilterField("receiver"),
    FilterField("state"),
    FilterField("subject"),
    FilterField("name"),
    FilterField("team"),
    FilterField::LABELS,
];
const MAX_REASON: usize = 1000;

// === impl Api ===

impl Api {
    pub(super) async fn list_deliveries(
        &self,
        request: pb::ListDeliveriesRequest,
    ) -> Result<pb::ListDeliveriesResponse, Status> {
        let mut violations = Violations::new();
        let filter = Filter::read(&mut violations, &request.filter, FIELDS);
        let query = ["ListDeliveries", &filter.canonical()];
        let paging = Paging::read(&mut violations, request.page_size, &request.page_token, &query);
        violations.finish()?;
        let found = self.outbox.deliveries(None, usize::MAX, |delivery| matches(&filter, delivery)).await;
        let keyed = found.into_iter().map(|delivery| (delivery.id.to_string(), delivery));
        let (page, next_page_token) = paging.cut(keyed, true);
        let deliveries = page.iter().map(|delivery| convert::delivery(delivery)).collect();
        Ok(pb::ListDeliveriesResponse { deliveries, next_page_token })
    }

    pub(super) async fn replay_delivery(
        &self,
        caller: &Caller,
        request: pb::ReplayDeliveryRequest,
    ) -> Result<pb::ReplayDeliveryResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        violations.text("reason", &request.reason, 0..=MAX_REASON);
        let id = request.name.strip_prefix("deliveries/").and_then(|id| id.parse::<Uuid>().ok());
        violations.check(id.is_some(), "name", &request.name, "deliveries/<uuid>");
        violations.finish()?;
        let missing =
            || NOT_FOUND.because(format!("there is no {}", request.name)).with("name", &request.name);
        let id = id.ok_or_else(missing)?;
        let delivery = self.outbox.delivery(id).await.ok_or_else(missing)?;
        caller.require_scope(&delivery.message.team, delivery.message.labelled("application"))?;
        let call = Self::call(caller, "ReplayDelivery", &request.request_id, &request)?;
        let etag = Some(request.etag.as_str()).filter(|etag| !etag.is_empty());
        let why = if request.reason.is_empty() { "replayed" } else { &request.reason };
        let replayed =
            |delivery: &Delivery| pb::ReplayDeliveryResponse { delivery: Some(convert::delivery(delivery)) };
        Ok(self.outbox.replay(id, etag, why, &call, replayed).await?)
    }
}

fn matches(filter: &Filter, delivery: &Delivery) -> bool {
    filter.matches(|field| match field {
        "state" => Some(delivery.state.as_str().into()),
        _ => view::field(delivery, field),
    })
}
