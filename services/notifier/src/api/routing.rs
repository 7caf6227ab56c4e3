//! Reading, changing and trying the routing.

use bellwether_proto::notifier::v1 as pb;
use bellwether_resource::Violations;
use bellwether_server::Caller;
use tonic::Status;

use super::Api;
use crate::{
    convert,
    message::{Class, Message, Severity, Source},
    outbox::{Applied, Delivery},
    routing::{Channel, Routing},
};

const MAX_TEST: usize = 1000;
const MAX_LABELS: usize = 64;

// === impl Api ===

impl Api {
    pub(super) async fn apply_routing(
        &self,
        caller: &Caller,
        request: pb::ApplyRoutingRequest,
    ) -> Result<pb::ApplyRoutingResponse, Status> {
        // it is everybody's
        caller.require_scope("", "")?;
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let routing = self.read(&mut violations, request.routing.clone());
        violations.finish()?;
        let call = Self::call(caller, "ApplyRouting", &request.request_id, &request)?;
        let etag = request.routing.and_then(|routing| routing.metadata).map(|metadata| metadata.etag);
        let etag = etag.filter(|etag| !etag.is_empty());
        let applied =
            |applied: &Applied| pb::ApplyRoutingResponse { routing: Some(convert::routing(applied)) };
        let (etag, validate_only) = (etag.as_deref(), request.validate_only);
        Ok(self.outbox.apply_routing(routing, etag, validate_only, &call, applied).await?)
    }

    pub(super) async fn get_routing(&self) -> pb::GetRoutingResponse {
        let routing = convert::routing(&self.outbox.routing().await);
        let receivers = self.outbox.receivers().await;
        let held = |name: &str| self.board.held(name);
        let receivers =
            receivers.iter().map(|state| convert::receiver(state, held(&state.receiver).as_ref())).collect();
        pb::GetRoutingResponse { routing: Some(routing), receivers }
    }

    pub(super) async fn preview_routing(
        &self,
        request: pb::PreviewRoutingRequest,
    ) -> Result<pb::PreviewRoutingResponse, Status> {
        let mut violations = Violations::new();
        let count = request.labels.len();
        violations.check(count <= MAX_LABELS, "labels", count, format!("at most {MAX_LABELS}"));
        let given = request.routing.is_some();
        let routing = given.then(|| self.read(&mut violations, request.routing));
        violations.finish()?;
        let labels = request.labels.into_iter().collect();
        let hits = match routing {
            Some(routing) => routing.route(&labels),
            None => self.outbox.routing().await.routing.route(&labels),
        };
        Ok(pb::PreviewRoutingResponse { matches: hits.into_iter().map(convert::hit).collect() })
    }

    pub(super) async fn send_test(
        &self,
        caller: &Caller,
        request: pb::SendTestRequest,
    ) -> Result<pb::SendTestResponse, Status> {
        caller.require_scope("", "")?;
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        violations.id("receiver", &request.receiver);
        violations.text("text", &request.text, 0..=MAX_TEST);
        violations.finish()?;
        let call = Self::call(caller, "SendTest", &request.request_id, &request)?;
        let message = self.test_message(caller, &request);
        let queued =
            |delivery: &Delivery| pb::SendTestResponse { delivery: Some(convert::delivery(delivery)) };
        Ok(self.outbox.queue_for(&request.receiver, &message, &call, queued).await?)
    }

    /// A routing of a request. What the address filter would refuse whatever a name resolves to is refused here.
    fn read(&self, violations: &mut Violations, routing: Option<pb::Routing>) -> Routing {
        let Some(source) = violations.required("routing", routing) else { return Routing::to_log() };
        let routing = violations.within("routing", |violations| Routing::read(violations, source));
        for receiver in routing.receivers.values() {
            let Channel::Webhook(webhook) = &receiver.channel else { continue };
            let host = webhook.url.host_str().unwrap_or_default();
            let index = routing.source.receivers.iter().position(|given| given.name == receiver.name);
            let path = format!("routing.receivers[{}].webhook.url", index.unwrap_or_default());
            let allowed = "an address that is public or allowed by the notifier's configuration";
            violations.check(self.policy.permits_host(host), &path, host, allowed);
        }
        routing
    }

    fn test_message(&self, caller: &Caller, request: &pb::SendTestRequest) -> Message {
        let id = self.env.uuid();
        let mut message = Message::new(Source::Notifier, &format!("tests/{id}"), "TEST", self.env.now())
            .ranked(Class::Terminal, Severity::Info)
            .about(&format!("tests/{id}"));
        message.label("test", "true");
        let title = format!("Test of receiver {}, sent by {}", request.receiver, caller.principal);
        message.saying(&title, &request.text)
    }
}
