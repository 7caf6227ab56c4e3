//! Commands of callers: resolved, checked on the newest state, decided, durable, answered.

use std::sync::Arc;

use bellwether_proto::executor::v1 as pb;
use bellwether_resource::{
    Call, Entry,
    error::{NOT_FOUND, Problem, STATE_CONFLICT, STORAGE_FAILED},
    etag,
    name::split_target,
};
use bellwether_rollout::{Action, Choice, Command, Input, Principal, RolloutId, State};
use bellwether_server::{Caller, Kind, telemetry};
use serde::Serialize;
use tonic::Status;

use super::{Executor, archive, decide};
use crate::{
    convert::{
        self, RolloutName,
        request::{OnRollout, OnTarget},
    },
    problem::Denied,
    record::{Asked, Given, Note},
    targets::{TargetEntry, Targets},
};

const SERVICE: &str = "bellwether.executor.v1.ExecutorService";

/// A caller's request with what makes it recognisable when it is repeated.
pub(crate) struct Ask<'r, R> {
    /// Who asks.
    pub(crate) caller: Caller,
    /// The client's id of the request.
    pub(crate) request_id: &'r str,
    /// All of it.
    pub(crate) payload: &'r R,
}

// === impl Ask ===

impl<R: Serialize> Ask<'_, R> {
    fn call(&self, method: &str) -> Result<Call, Problem> {
        Call::new(&self.by().0, &format!("{SERVICE}/{method}"), self.request_id, self.payload)
    }

    /// Who asks, as it is kept.
    pub(crate) fn by(&self) -> Principal {
        let actor = self.caller.actor();
        let kind = match actor.kind {
            Kind::Human => "human",
            Kind::Agent => "agent",
            Kind::Service => "service",
            Kind::Local => return Principal("local".into()),
        };
        Principal(format!("{kind}:{}", actor.id))
    }
}

// === impl Executor ===

impl Executor {
    /// A command about a rollout; the rollout as it stands then, or the new one that the command made.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) async fn on_rollout<R: Serialize>(
        &self,
        ask: Ask<'_, R>,
        command: OnRollout,
        shown: Option<RolloutId>,
    ) -> Result<pb::Rollout, Status> {
        let (stream, id) = self.open_rollout(&command.name).await?;
        self.scope(&ask.caller, &stream)?;
        let OnRollout { method, etag, etag_required, reason, action, .. } = command;
        let (call, by, trace) = (ask.call(method)?, ask.by(), telemetry::current_traceparent());
        let input = move |entry: &TargetEntry| {
            let rollout = Targets::rollout(entry, id).ok_or_else(|| missing(id))?;
            let actual = entry.state.rollout(id).map(|it| it.etag.to_string()).unwrap_or_default();
            let name = format!("rollouts/{id}");
            if etag_required {
                etag::require(&name, &etag, &actual)?;
            } else {
                etag::check(&name, &etag, &actual)?;
            }
            let action = action(rollout, &by)?;
            let given =
                Given { method: method.into(), by: by.0.clone(), reason: reason.clone(), rollout: Some(id) };
            Ok::<_, Denied>((Input::Command(Box::new(Command { by, reason, action })), note(given, trace)))
        };
        let answer = move |entry: &TargetEntry| shown_rollout(entry, shown.unwrap_or(id));
        let done = self.submit(&stream, call, input, answer).await?;
        Ok(done.answer)
    }

    /// A command about a target; the target as it stands then.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) async fn on_target<R: Serialize>(
        &self,
        ask: Ask<'_, R>,
        command: OnTarget,
        validate_only: bool,
    ) -> Result<pb::Target, Status> {
        let stream = Targets::stream(&command.target);
        self.scope(&ask.caller, &stream)?;
        let OnTarget { method, etag, reason, action, .. } = command;
        if let Action::Apply(spec) = &action {
            // nobody gives a target to a team that is not theirs
            let application = split_target(&spec.name).map_or("", |(application, _)| application);
            ask.caller.require_scope(&spec.team, application)?;
        }
        let (call, by, trace) = (ask.call(method)?, ask.by(), telemetry::current_traceparent());
        let input = move |entry: &TargetEntry| {
            let creates = matches!(action, Action::Apply(_));
            if !creates && entry.state.core.spec.is_none() {
                return Err(no_target(&entry.stream).into());
            }
            etag::check(&entry.stream, &etag, &entry.state.etag.to_string())?;
            let rollout = match &action {
                Action::ResolveInterruption { rollout, .. } => *rollout,
                _ => None,
            };
            let given = Given { method: method.into(), by: by.0.clone(), reason: reason.clone(), rollout };
            Ok::<_, Denied>((Input::Command(Box::new(Command { by, reason, action })), note(given, trace)))
        };
        if validate_only {
            return Ok(convert::target(&self.rehearse(&stream, input)?));
        }
        let done = self.submit(&stream, call, input, convert::target).await?;
        Ok(done.answer)
    }

    /// An interruption that names a target: its rollout's where that needs an operator, else the target's own.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) async fn on_interrupted_target<R: Serialize>(
        &self,
        ask: Ask<'_, R>,
        command: OnTarget,
        choice: Choice,
    ) -> Result<Option<pb::Rollout>, Status> {
        let stream = Targets::stream(&command.target);
        let entry = self.store().get(&stream).ok_or_else(|| no_target(&stream))?;
        let needs = |it: &&bellwether_rollout::Rollout| matches!(it.state, State::NeedsOperator { .. });
        let Some(rollout) = entry.state.core.active().filter(needs).map(bellwether_rollout::Rollout::id)
        else {
            self.on_target(ask, command, false).await?;
            return Ok(None);
        };
        let action = Action::ResolveInterruption { rollout: Some(rollout), choice };
        self.on_target(ask, OnTarget { action, ..command }, false).await?;
        Ok(self.rollout(&RolloutName::Id(rollout)).await.ok())
    }

    /// Starts a rollout.
    ///
    /// # Errors
    /// The refusal.
    pub(crate) async fn on_start(
        &self,
        ask: Ask<'_, pb::StartRolloutRequest>,
    ) -> Result<pb::Rollout, Status> {
        let given = ask.payload.clone();
        let id = RolloutId(self.env().uuid());
        let entry = self.store().get(&given.target);
        let first = entry.as_ref().is_none_or(|entry| entry.state.core.stable.is_none());
        let spec = entry.and_then(|entry| entry.state.core.spec.clone());
        // every violation of the request first, then whether there is such a target
        let start = convert::request::start(&given, id, &spec.clone().unwrap_or_default())?;
        self.scope(&ask.caller, &given.target)?;
        let Some(spec) = spec else { return Err(no_target(&given.target).into()) };
        self.drivers().require(&spec, &start.request, first).await?;
        let (call, by, trace) = (ask.call("StartRollout")?, ask.by(), telemetry::current_traceparent());
        let input = move |entry: &TargetEntry| {
            let mut request = start.request;
            request.configuration_diff = diff(entry, &request.fleet);
            let command = Given {
                method: "StartRollout".into(),
                by: by.0.clone(),
                reason: String::new(),
                rollout: Some(id),
            };
            let action = Action::Start(Box::new(request));
            let note = Note { asked: Some(Box::<Asked>::new(start.asked)), ..note(command, trace) };
            Ok::<_, Denied>((Input::Command(Box::new(Command { by, reason: String::new(), action })), note))
        };
        if given.validate_only {
            return Ok(shown_rollout(&self.rehearse(&given.target, input)?, id));
        }
        let done = self.submit(&given.target, call, input, move |entry| shown_rollout(entry, id)).await?;
        Ok(done.answer)
    }

    /// What a command would lead to, without doing it.
    fn rehearse<E: From<bellwether_rollout::Refusal>>(
        &self,
        stream: &str,
        input: impl FnOnce(&TargetEntry) -> Result<(Input, Note), E>,
    ) -> Result<TargetEntry, E> {
        let entry = self.store().get(stream).unwrap_or_else(|| Arc::new(Entry::empty(Arc::from(stream))));
        let (input, note) = input(&entry)?;
        Ok(decide::rehearsed(&entry, input, note, self.env().now())?)
    }

    /// A rollout that is open or still known to its target; commands change nothing about older ones.
    async fn open_rollout(&self, name: &RolloutName) -> Result<(Arc<str>, RolloutId), Problem> {
        let id = self.rollout_id(name).await?;
        match self.seats().stream_of(id) {
            Some(stream)
                if self.store().get(&stream).is_some_and(|it| Targets::rollout(&it, id).is_some()) =>
            {
                Ok((stream, id))
            }
            _ => match archive::get(&**self.journal(), id).await.map_err(unreadable)? {
                Some(_) => Err(STATE_CONFLICT.because(format!("rollouts/{id} is over"))),
                None => Err(missing(id)),
            },
        }
    }

    /// The rollout of this name, however long ago it ended.
    ///
    /// # Errors
    /// `NOT_FOUND`.
    pub(crate) async fn rollout(&self, name: &RolloutName) -> Result<pb::Rollout, Problem> {
        let id = self.rollout_id(name).await?;
        let entry = self.seats().stream_of(id).and_then(|stream| self.store().get(&stream));
        if let Some(entry) = entry
            && let Some(rollout) = Targets::rollout(&entry, id)
        {
            let mut shown = convert::rollout(&entry, rollout);
            if let Some(newer) = self.refreshes().newer(id, shown.verdict.as_ref()) {
                shown.verdict = Some(newer);
            }
            return Ok(shown);
        }
        archive::get(&**self.journal(), id).await.map_err(unreadable)?.ok_or_else(|| missing(id))
    }

    async fn rollout_id(&self, name: &RolloutName) -> Result<RolloutId, Problem> {
        let (target, number) = match name {
            RolloutName::Id(id) => return Ok(*id),
            RolloutName::Display(target, number) => (target, *number),
        };
        let stream = Targets::stream(target);
        let entry = self.store().get(&stream);
        let known = entry.as_ref().and_then(|entry| {
            entry
                .state
                .core
                .rollouts
                .values()
                .find(|it| it.number == number)
                .map(bellwether_rollout::Rollout::id)
        });
        if let Some(id) = known {
            return Ok(id);
        }
        let kept = archive::numbered(&**self.journal(), target, number).await.map_err(unreadable)?;
        kept.ok_or_else(|| NOT_FOUND.because(format!("there is no rollout {target}-{number}")))
    }

    fn scope(&self, caller: &Caller, stream: &str) -> Result<(), Status> {
        let application = split_target(Targets::name(stream)).map_or("", |(application, _)| application);
        let entry = self.store().get(stream);
        let team = entry.and_then(|entry| entry.state.core.spec.as_ref().map(|spec| spec.team.clone()));
        caller.require_scope(&team.unwrap_or_default(), application)
    }
}

/// A command's note, with the trace that it belongs to: that of the call, not of the transaction's task.
fn note(given: Given, trace: Option<String>) -> Note {
    Note { trace, command: Some(given), ..Note::default() }
}

fn diff(entry: &TargetEntry, new: &bellwether_rollout::FleetSpec) -> String {
    let core = &entry.state.core;
    let stable = core.stable.and_then(|id| core.fleets.get(&id));
    stable.map(|stable| convert::configuration_diff(&stable.spec, new)).unwrap_or_default()
}

fn shown_rollout(entry: &TargetEntry, id: RolloutId) -> pb::Rollout {
    Targets::rollout(entry, id).map(|rollout| convert::rollout(entry, rollout)).unwrap_or_default()
}

fn missing(id: RolloutId) -> Problem {
    NOT_FOUND.because(format!("there is no rollout {id}"))
}

fn no_target(stream: &str) -> Problem {
    NOT_FOUND.because(format!("there is no target {stream}"))
}

fn unreadable(error: bellwether_journal::ReadError) -> Problem {
    tracing::error!(%error, "the journal could not be read");
    STORAGE_FAILED.because("the service cannot read its journal")
}
