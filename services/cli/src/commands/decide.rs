//! `bellwether approve` and `reject`: a release for an environment, or a rollout's gate.

use bellwether_proto::{
    executor::v1::{ResolveGateRequest, Rollout, resolve_gate_request::Resolution},
    planner::v1::{ApproveReleaseRequest, RejectReleaseRequest, Release, condition, release_environment},
};
use tonic::Status;

use crate::{
    args::ApproveArgs,
    exit::Exit,
    lookup,
    names::{Reference, Unfit},
    render::{self, Format, release, rollout},
    session::Session,
};

/// Approves or rejects.
///
/// # Errors
/// When nothing waits for it, or what the server says.
pub async fn run(
    session: &Session,
    format: Format,
    args: &ApproveArgs,
    approve: bool,
) -> anyhow::Result<Exit> {
    match args.thing.parse::<Reference>()? {
        reference @ (Reference::Rollout(_) | Reference::Target(_)) => {
            gate(session, format, args, lookup::rollout(session, &reference).await?, approve).await
        }
        reference @ (Reference::Release(_) | Reference::Application(_)) => {
            release_in(session, format, args, lookup::release(session, &reference).await?, approve).await
        }
    }
}

async fn release_in(
    session: &Session,
    format: Format,
    args: &ApproveArgs,
    found: Release,
    approve: bool,
) -> anyhow::Result<Exit> {
    let environment = match &args.environment {
        Some(environment) => environment.clone(),
        None => waiting(&found).ok_or_else(|| {
            Status::failed_precondition(format!(
                "{} waits for no approval; `bellwether explain {}` says for what",
                found.display_name, found.name
            ))
        })?,
    };
    let etag = found.metadata.map(|m| m.etag).unwrap_or_default();
    let (name, reason) = (found.name, args.reason.clone());
    let changed = if approve {
        let request = ApproveReleaseRequest { name, environment, reason, etag, ..Default::default() };
        session.planner().approve_release(request).await?.into_inner().release
    } else {
        let request = RejectReleaseRequest { name, environment, reason, etag, ..Default::default() };
        session.planner().reject_release(request).await?.into_inner().release
    };
    if let Some(changed) = changed {
        render::print(format, &changed, |r| release::view(r, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}

/// The first environment that waits for an approval.
fn waiting(found: &Release) -> Option<String> {
    let wants = |e: &&bellwether_proto::planner::v1::ReleaseEnvironment| {
        e.state() == release_environment::State::Waiting
            && e.conditions
                .iter()
                .any(|c| c.kind() == condition::Kind::Approval && c.state() != condition::State::Met)
    };
    found.environments.iter().find(wants).map(|e| e.environment.clone())
}

async fn gate(
    session: &Session,
    format: Format,
    args: &ApproveArgs,
    found: Rollout,
    approve: bool,
) -> anyhow::Result<Exit> {
    let gate = match &args.gate {
        Some(gate) => gate.clone(),
        None => current_gate(&found)?,
    };
    let resolution = match (approve, &args.value) {
        (true, Some(_)) => Resolution::Value,
        (true, None) => Resolution::Approve,
        (false, None) => Resolution::Reject,
        (false, Some(_)) => return Err(Unfit("a rejection has no --value".to_owned()).into()),
    };
    let request = ResolveGateRequest {
        request_id: String::new(),
        name: found.name,
        gate,
        resolution: resolution.into(),
        value: args.value.clone().unwrap_or_default(),
        reason: args.reason.clone(),
        etag: found.metadata.map(|m| m.etag).unwrap_or_default(),
    };
    if let Some(changed) = session.executor().resolve_gate(request).await?.into_inner().rollout {
        render::print(format, &changed, |r| rollout::view(r, session.now()).join("\n"))?;
    }
    Ok(Exit::Ok)
}

/// The id of the gate that the rollout stands at, as its strategy names it.
fn current_gate(found: &Rollout) -> anyhow::Result<String> {
    use bellwether_proto::executor::v1::step::Kind;
    let at = usize::try_from(found.step_index).unwrap_or(usize::MAX);
    let steps = found.strategy.as_ref().map(|s| s.steps.as_slice()).unwrap_or_default();
    match steps.get(at).and_then(|step| step.kind.as_ref()) {
        Some(Kind::Gate(gate)) => Ok(gate.id.clone()),
        _ => Err(Status::failed_precondition(format!(
            "{name} does not stand at a gate; `bellwether status {name}`",
            name = found.display_name
        ))
        .into()),
    }
}
