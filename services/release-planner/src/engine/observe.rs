//! What rollouts and targets mean for releases.

use std::time::Duration;

use bellwether_plan::{
    ApplicationId, Approver, ApproverKind, EnvironmentId, Hold, HoldCause, Release, ReleaseEvent, ReleaseId,
    Stage, StageState, StepKind,
};
use bellwether_proto::{
    common::v1::principal::Kind,
    executor::v1::{Rollout, StepStatus, Target, rollout::State, step_status},
};
use bellwether_resource::time;

use super::{evaluate::planner_itself, settle::SettleError, steering};
use crate::{
    book::{ApplicationEvent, Book, HoldEvent},
    convert::merged,
    planner::Planner,
};

/// Its rollout waits for somebody to resolve an interruption.
pub(crate) const NEEDS_OPERATOR: &str = "NEEDS_OPERATOR";
/// Its rollout waits at a gate for somebody.
pub(crate) const WAITS_AT_GATE: &str = "WAITS_AT_GATE";

/// What a rollout means.
#[derive(Debug, Default, PartialEq)]
struct Meaning {
    releases: Vec<(ReleaseId, Vec<ReleaseEvent>)>,
    hold: Option<Hold>,
}

// === impl Planner ===

impl Planner {
    /// Commits what a rollout means for the release that it belongs to. Nothing when that is known already.
    pub(crate) async fn observe_rollout(&self, rollout: &Rollout) -> Result<(), SettleError> {
        let turn = self.turn().await;
        let meaning = if rollout.rollback_of.is_empty() {
            Meaning { releases: forward(turn.book(), rollout).into_iter().collect(), hold: None }
        } else {
            self.backward(turn.book(), rollout)
        };
        self.commit_releases(meaning.releases).await?;
        if let Some(hold) = meaning.hold {
            self.commit_hold(&hold.id.clone(), HoldEvent::Held { hold }).await?;
        }
        self.wake();
        Ok(())
    }

    /// Commits what a target's fleets and health mean for the releases that serve there.
    pub(crate) async fn observe_target(&self, target: &Target) -> Result<(), SettleError> {
        let Some((application, environment)) = target_of(&target.name) else { return Ok(()) };
        let application = ApplicationId::from(application.as_str());
        let turn = self.turn().await;
        if let Some(learnt) = learnt(turn.book(), target, &application, &environment) {
            self.commit_application(&application, vec![learnt]).await?;
        }
        let changes = serving(turn.book(), target, &application, &environment);
        self.commit_releases(changes.into_iter().collect()).await?;
        let closed = steering::closed(turn.book(), target, &application, &environment);
        self.commit_releases(closed).await?;
        self.wake();
        Ok(())
    }

    async fn commit_releases(&self, changes: Vec<(ReleaseId, Vec<ReleaseEvent>)>) -> Result<(), SettleError> {
        for (id, events) in changes {
            if !events.is_empty() {
                self.commit_release(&id, events).await?;
            }
        }
        Ok(())
    }

    /// A rollout that takes another one back: by hand, for nothing else starts one.
    fn backward(&self, book: &Book, rollout: &Rollout) -> Meaning {
        let Some((release, environment, stage)) = book.by_rollout(&rollout.rollback_of) else {
            return Meaning::default();
        };
        let to = |text: String| {
            let taken_back = (release.id.clone(), taken_back(rollout, environment, stage, text));
            let restored = restored(book, rollout, environment, stage);
            Meaning {
                releases: std::iter::once(taken_back).chain(restored).collect(),
                hold: self.hold_after(book, rollout, release, environment),
            }
        };
        match rollout.state() {
            State::Succeeded => to(format!("rolled back by {}", rollout.display_name)),
            State::Unspecified
            | State::Pending
            | State::Running
            | State::RollingBack
            | State::Recovering
            | State::NeedsOperator => to(format!("{} is taking it back", rollout.display_name)),
            State::RolledBack | State::Superseded | State::Cancelled => Meaning::default(),
        }
    }

    /// The hold that a rollback by hand leaves, unless it is known. Its id is the rollout's, so that there is one.
    fn hold_after(
        &self,
        book: &Book,
        rollout: &Rollout,
        release: &Release,
        environment: &EnvironmentId,
    ) -> Option<Hold> {
        let id = rollout.name.strip_prefix("rollouts/")?.to_owned();
        let promoted = release.plan.part(environment).is_some_and(|part| !part.upstreams.is_empty());
        (promoted && !book.known_holds.contains(&id)).then(|| Hold {
            id,
            application: Some(release.application.clone()),
            environment: Some(environment.clone()),
            cause: HoldCause::ManualRollback,
            by: by(rollout),
            reason: format!("{} {} was rolled back by hand", release.application, release.bundle.version),
            since: self.now(),
        })
    }
}

fn taken_back(
    rollout: &Rollout,
    environment: &EnvironmentId,
    stage: &Stage,
    text: String,
) -> Vec<ReleaseEvent> {
    let environment = environment.clone();
    if rollout.state() == State::Succeeded {
        let legal = stage.state.may_become(StageState::RolledBack);
        let event = ReleaseEvent::Moved {
            environment,
            to: StageState::RolledBack,
            code: "ROLLED_BACK_BY_HAND".into(),
            text,
        };
        return if legal { vec![event] } else { Vec::new() };
    }
    let code = "BEING_ROLLED_BACK";
    let known = stage.code == code || !stage.state.is_live();
    let event = ReleaseEvent::RolloutProgressed { environment, code: code.to_owned(), text };
    if known { Vec::new() } else { vec![event] }
}

/// The release that a finished rollback has brought back.
fn restored(
    book: &Book,
    rollout: &Rollout,
    environment: &EnvironmentId,
    taken_back: &Stage,
) -> Option<(ReleaseId, Vec<ReleaseEvent>)> {
    let just_now = rollout.state() == State::Succeeded && taken_back.state.is_live();
    let release = book.release(rollout.release.strip_prefix("releases/").filter(|_| just_now)?)?;
    let stage = release.stages.get(environment)?;
    let events = || {
        let steering = steering::steered(environment, stage, rollout);
        std::iter::once(restore(environment, rollout)).chain(steering).collect()
    };
    can_be_restored(stage).then(|| (release.id.clone(), events()))
}

/// It had served there, and nothing has happened to it since but that others took its place.
fn can_be_restored(stage: &Stage) -> bool {
    let replaced = stage.state.is_live() || stage.state == StageState::Superseded;
    replaced && stage.live_since.is_none() && stage.rollout.is_some()
}

fn restore(environment: &EnvironmentId, rollout: &Rollout) -> ReleaseEvent {
    ReleaseEvent::Restored {
        environment: environment.clone(),
        rollout: rollout.name.clone(),
        display_name: rollout.display_name.clone(),
    }
}

/// A rollout that brings a release in, or has brought it in.
fn forward(book: &Book, rollout: &Rollout) -> Option<(ReleaseId, Vec<ReleaseEvent>)> {
    let release = book.release(rollout.release.strip_prefix("releases/")?)?;
    let (_, environment) = target_of(&rollout.target)?;
    let stage = release.stages.get(&environment)?;
    let known = stage.rollout.as_ref() == Some(&rollout.name);
    let asked_for = stage.state == StageState::RollingOut && stage.rollout.is_none();
    if !known && !asked_for {
        return None;
    }
    let mut events = Vec::new();
    if asked_for {
        let (rollout, display_name) = (rollout.name.clone(), rollout.display_name.clone());
        events.push(ReleaseEvent::RolloutStarted { environment: environment.clone(), rollout, display_name });
    }
    events.extend(steering::steered(&environment, stage, rollout));
    if stage.state == StageState::RollingOut {
        events.extend(outcome(release, &environment, stage, rollout));
    }
    Some((release.id.clone(), events))
}

fn outcome(
    release: &Release,
    environment: &EnvironmentId,
    stage: &Stage,
    rollout: &Rollout,
) -> Vec<ReleaseEvent> {
    let (code, text) = reason(rollout);
    let moved = |to| ReleaseEvent::Moved {
        environment: environment.clone(),
        to,
        code: code.clone(),
        text: text.clone(),
    };
    match rollout.state() {
        State::Succeeded => {
            let soak = release.plan.soak_in(environment);
            let to = if soak.is_zero() { StageState::Completed } else { StageState::Soaking };
            let recorded =
                ReleaseEvent::StepsRecorded { environment: environment.clone(), times: step_times(rollout) };
            vec![recorded, moved(to)]
        }
        State::RolledBack => vec![moved(StageState::RolledBack)],
        State::Superseded => vec![moved(StageState::Superseded)],
        State::Cancelled => vec![moved(StageState::Cancelled)],
        State::Unspecified
        | State::Pending
        | State::Running
        | State::RollingBack
        | State::Recovering
        | State::NeedsOperator => {
            if (&stage.code, &stage.text) == (&code, &text) {
                return Vec::new();
            }
            vec![ReleaseEvent::RolloutProgressed { environment: environment.clone(), code, text }]
        }
    }
}

/// The rollout's own reason, else its state; where somebody must act, that.
fn reason(rollout: &Rollout) -> (String, String) {
    let given = rollout.reason.clone().unwrap_or_default();
    let state = rollout.state().as_str_name().trim_start_matches("STATE_").to_owned();
    let code = if given.code.is_empty() { state } else { given.code };
    let text =
        if given.text.is_empty() { format!("{} is at work", rollout.display_name) } else { given.text };
    let at_gate = || rollout.waiting_on.iter().find(|waiting| waiting.kind == "GATE");
    if rollout.state() == State::NeedsOperator {
        return (NEEDS_OPERATOR.to_owned(), format!("{code}: {text}"));
    }
    match at_gate() {
        Some(gate) => (WAITS_AT_GATE.to_owned(), gate.text.clone()),
        None => (code, text),
    }
}

/// Who asked for it, by its newest command.
fn by(rollout: &Rollout) -> Approver {
    let principal = rollout.commands.iter().rev().find_map(|command| command.principal.clone());
    let Some(principal) = principal else { return planner_itself() };
    let kind = match principal.kind() {
        Kind::Human => ApproverKind::Human,
        Kind::Agent => ApproverKind::Agent,
        Kind::Unspecified | Kind::Service => ApproverKind::Service,
        Kind::Local => ApproverKind::Local,
    };
    Approver { id: principal.id, kind, roles: Vec::new() }
}

/// Which release serves at a target, and whether it is well.
fn serving(
    book: &Book,
    target: &Target,
    application: &ApplicationId,
    environment: &EnvironmentId,
) -> Option<(ReleaseId, Vec<ReleaseEvent>)> {
    let stable = target.stable.as_ref()?;
    let brought = |stage: &Stage| stage.rollout.as_deref() == Some(stable.rollout.as_str());
    let (owner, stage) = book.stages(application, environment).find(|(_, stage)| brought(stage))?;
    // a release that runs the same changed nothing, and serves by the instances of the one before it
    let same = |release: &Release, stage: &Stage| {
        stage.live_since.is_some() && release.plan.identity == owner.plan.identity
    };
    let live = book.stages(application, environment).rev().find(|(release, stage)| same(release, stage));
    let Some((live, stage)) = live else {
        let (rollout, display_name) = (String::new(), String::new());
        let event = ReleaseEvent::Restored { environment: environment.clone(), rollout, display_name };
        return can_be_restored(stage).then(|| (owner.id.clone(), vec![event]));
    };
    let ready = target.instance_states.iter().any(|instance| instance.fleet == stable.id && instance.ready);
    let environment = environment.clone();
    let event = match (ready, stage.soak.since) {
        (false, Some(_)) => ReleaseEvent::HealthLost { environment },
        (true, None) => ReleaseEvent::HealthRegained { environment },
        (true, Some(_)) | (false, None) => return None,
    };
    Some((live.id.clone(), vec![event]))
}

/// What a target says of its platform that was not known.
fn learnt(
    book: &Book,
    target: &Target,
    application: &ApplicationId,
    environment: &EnvironmentId,
) -> Option<ApplicationEvent> {
    let application = book.application(application.as_str())?;
    let own = application.spec.environments.get(environment.as_str())?;
    let deployment = merged(application.spec.defaults.as_ref(), own);
    // before it was told of the present revision, it speaks of the former platform
    let told = application.targets.get(environment)?.revision() >= application.revision;
    told.then(|| application.learns(environment, &deployment, target)).flatten()
}

/// How long its forward steps took.
fn step_times(rollout: &Rollout) -> Vec<(StepKind, Duration)> {
    let done = |step: &&StepStatus| !step.undo && step.state() == step_status::State::Done;
    let took = |step: &StepStatus| {
        let start = time::timestamp(step.start_time.as_ref()?)?;
        let end = time::timestamp(step.end_time.as_ref()?)?;
        Some((kind(&step.kind)?, Duration::try_from(end.duration_since(start)).ok()?))
    };
    rollout.steps.iter().filter(done).filter_map(took).collect()
}

fn kind(name: &str) -> Option<StepKind> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

/// `targets/shop@production`.
fn target_of(name: &str) -> Option<(String, EnvironmentId)> {
    let (application, environment) = name.strip_prefix("targets/")?.split_once('@')?;
    Some((application.to_owned(), environment.into()))
}
