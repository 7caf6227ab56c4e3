//! Vetoing a version.

use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Aggregate, Decision, Violations,
    error::{NOT_FOUND, Problem},
};
use tonic::Status;

use super::Asker;
use crate::{
    book::{ApplicationEvent, Applications},
    planner::Planner,
    validate,
};

// === impl Planner ===

impl Planner {
    /// Says that a version must never start again.
    pub(crate) async fn veto_version(
        &self,
        asker: Asker,
        request: pb::VetoVersionRequest,
    ) -> Result<pb::VetoVersionResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::application_id(&mut violations, "application", &request.application);
        violations.text("version", &request.version, 1..=128);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("VetoVersion", &request.request_id, &request)?;
        let turn = self.turn().await;
        let stream = format!("{}{id}", Applications::PREFIX);
        let done = turn.decide(&self.stores().applications, &stream, call, move |entry, _, _| {
            let application = entry.state.as_ref().filter(|application| !application.deleted);
            let application = application
                .ok_or_else(|| NOT_FOUND.because(format!("there is no application {:?}", id.as_str())))?;
            let known = application.vetoes.iter().any(|veto| veto.version == request.version);
            let (version, reason) = (request.version, request.reason);
            let event = ApplicationEvent::Vetoed { version, by: asker.by, reason };
            let events = if known { Vec::new() } else { vec![event] };
            Ok::<_, Problem>(Decision::new(events).answer(|_| pb::VetoVersionResponse {}))
        });
        Ok(done.await?.answer)
    }
}
