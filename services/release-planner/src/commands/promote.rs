//! Sending a release on.

use bellwether_plan::{EnvironmentId, ReleaseEvent, StageState};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Violations, error::Problem};
use tonic::Status;

use super::{
    Asker,
    on_release::{Etag, Found},
};
use crate::{planner::Planner, reasons::VERSION_VETOED, validate};

// === impl Planner ===

impl Planner {
    /// Sends it on into an environment.
    pub(crate) async fn promote_release(
        &self,
        asker: Asker,
        request: pb::PromoteReleaseRequest,
    ) -> Result<pb::PromoteReleaseResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::release_id(&mut violations, "name", &request.name);
        let environment = validate::environment_id(&mut violations, "environment", &request.environment);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("PromoteRelease", &request.request_id, &request)?;
        let decide = move |found: Found<'_>| promote(&found, environment, request.reason);
        let answer = |release| pb::PromoteReleaseResponse { release: Some(release) };
        self.on_release(asker, call, &id, Etag::Optional(request.etag), decide, answer).await
    }
}

fn promote(
    found: &Found<'_>,
    environment: EnvironmentId,
    reason: String,
) -> Result<Vec<ReleaseEvent>, Problem> {
    let stage = found.stage(&environment)?;
    if stage.live_since.is_some() {
        return Err(found.conflict(&environment, "it is live there"));
    }
    if !stage.state.may_become(StageState::Waiting) {
        return Err(found.conflict(&environment, "it cannot go there any more; submit it again"));
    }
    let version = &found.release.bundle.version;
    if let Some(veto) = found.book.veto(found.release) {
        return Err(VERSION_VETOED.because(format!("{} vetoed {version}: {}", veto.by.id, veto.reason)));
    }
    Ok(vec![ReleaseEvent::Promoted { environment, by: found.by.clone(), reason }])
}
