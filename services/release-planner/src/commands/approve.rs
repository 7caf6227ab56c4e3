//! Approving and rejecting.

use bellwether_plan::{
    Approval, ApprovalRule, Approver, ApproverKind, EnvironmentId, ReleaseEvent, StageState,
};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Violations, error::Problem};
use tonic::Status;

use super::{
    Asker,
    on_release::{Etag, Found},
};
use crate::{planner::Planner, reasons::APPROVAL_DOES_NOT_COUNT, validate};

// === impl Planner ===

impl Planner {
    /// Approves the plan for one environment.
    pub(crate) async fn approve_release(
        &self,
        asker: Asker,
        request: pb::ApproveReleaseRequest,
    ) -> Result<pb::ApproveReleaseResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::release_id(&mut violations, "name", &request.name);
        let environment = validate::environment_id(&mut violations, "environment", &request.environment);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("ApproveRelease", &request.request_id, &request)?;
        let decide = move |found: Found<'_>| approve(&found, environment, request.reason);
        let answer = |release| pb::ApproveReleaseResponse { release: Some(release) };
        self.on_release(asker, call, &id, Etag::Required(request.etag), decide, answer).await
    }

    /// Refuses it: it ends there, and nothing of it starts anywhere else.
    pub(crate) async fn reject_release(
        &self,
        asker: Asker,
        request: pb::RejectReleaseRequest,
    ) -> Result<pb::RejectReleaseResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = validate::release_id(&mut violations, "name", &request.name);
        let environment = validate::environment_id(&mut violations, "environment", &request.environment);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("RejectRelease", &request.request_id, &request)?;
        let decide = move |found: Found<'_>| reject(&found, &environment, &request.reason);
        let answer = |release| pb::RejectReleaseResponse { release: Some(release) };
        self.on_release(asker, call, &id, Etag::Required(request.etag), decide, answer).await
    }
}

fn approve(
    found: &Found<'_>,
    environment: EnvironmentId,
    comment: String,
) -> Result<Vec<ReleaseEvent>, Problem> {
    let rules = eligible(found, &environment)?;
    if rules.is_empty() {
        return Err(found.conflict(&environment, "it needs no approval there"));
    }
    let approval = Approval {
        environment: environment.clone(),
        plan_digest: found.release.plan_digest.clone(),
        by: found.by.clone(),
        comment,
        at: found.now,
    };
    Ok(vec![ReleaseEvent::Approved { environment, approval }])
}

fn reject(
    found: &Found<'_>,
    environment: &EnvironmentId,
    reason: &str,
) -> Result<Vec<ReleaseEvent>, Problem> {
    eligible(found, environment)?;
    let text = format!("{} rejected it: {reason}", found.by.id);
    let waiting = found.release.stages.iter().filter(|(_, stage)| stage.state.is_waiting());
    let events = waiting.map(|(id, _)| {
        let to = if id == environment { StageState::Rejected } else { StageState::Cancelled };
        ReleaseEvent::Moved { environment: id.clone(), to, code: "REJECTED".to_owned(), text: text.clone() }
    });
    Ok(events.collect())
}

/// The rules, if the caller counts for one of them or there are none.
fn eligible<'a>(found: &Found<'a>, environment: &EnvironmentId) -> Result<&'a [ApprovalRule], Problem> {
    if !found.stage(environment)?.state.is_waiting() {
        return Err(found.conflict(environment, "it waits for nobody there"));
    }
    let rules = found.release.plan.part(environment).map_or(&[][..], |part| &part.approvals);
    let requester = &found.release.requester;
    if rules.is_empty() || rules.iter().any(|rule| rule.accepts(found.by, requester)) {
        return Ok(rules);
    }
    Err(does_not_count(found.by, requester, rules))
}

fn does_not_count(by: &Approver, requester: &Approver, rules: &[ApprovalRule]) -> Problem {
    let rules: Vec<_> = rules.iter().map(ApprovalRule::describe).collect();
    let problem =
        APPROVAL_DOES_NOT_COUNT.because(format!("{} counts for none of: {}", by.id, rules.join("; ")));
    if by.kind == ApproverKind::Local {
        return problem
            .remedy("create a token with bellwether token create NAME --role approver, and approve with it");
    }
    if by.id == requester.id {
        return problem.remedy("four eyes: have somebody else than the requester approve");
    }
    problem
}
