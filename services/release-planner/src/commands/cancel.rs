//! Ending what has not started.

use bellwether_plan::{ReleaseEvent, StageState};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Violations,
    error::{Problem, STATE_CONFLICT},
};
use tonic::Status;

use super::{
    Asker,
    on_release::{Etag, Found},
};
use crate::{planner::Planner, validate};

// === impl Planner ===

impl Planner {
    /// Ends what has not started yet.
    pub(crate) async fn cancel_release(
        &self,
        asker: Asker,
        request: pb::CancelReleaseRequest,
    ) -> Result<pb::CancelReleaseResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::release_id(&mut violations, "name", &request.name);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("CancelRelease", &request.request_id, &request)?;
        let decide = move |found: Found<'_>| cancel(&found, &request.reason);
        let answer = |release| pb::CancelReleaseResponse { release: Some(release) };
        self.on_release(asker, call, &id, Etag::Optional(request.etag), decide, answer).await
    }
}

fn cancel(found: &Found<'_>, reason: &str) -> Result<Vec<ReleaseEvent>, Problem> {
    let waiting = found.release.stages.iter().filter(|(_, stage)| stage.state.is_waiting());
    let events: Vec<_> = waiting
        .map(|(environment, _)| ReleaseEvent::Moved {
            environment: environment.clone(),
            to: StageState::Cancelled,
            code: "CANCELLED".to_owned(),
            text: format!("{} cancelled it: {reason}", found.by.id),
        })
        .collect();
    if events.is_empty() {
        return Err(STATE_CONFLICT
            .because("nothing of it waits")
            .remedy("abort its rollout with bellwether abort, or roll back with bellwether rollback"));
    }
    Ok(events)
}
