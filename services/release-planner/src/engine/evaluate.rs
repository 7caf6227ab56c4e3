//! What follows from what is known. Pure.

use bellwether_clock::Timestamp;
use bellwether_plan::{
    Admission, ApplicationId, Approver, ApproverKind, Candidate, Condition, ConditionState, EnvironmentId,
    Hold, HoldCause, Release, ReleaseEvent, ReleaseId, Stage, StageState, admit, conditions,
    newest_available, next_change_at,
};

use crate::book::{Book, HoldEvent};

/// Something to commit.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    /// To a release.
    Release(ReleaseId, Vec<ReleaseEvent>),
    /// To a hold.
    Hold(String, HoldEvent),
}

/// What follows, and when to look again although nothing has happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Outcome {
    pub(super) changes: Vec<Change>,
    pub(super) look_at: Option<Timestamp>,
}

/// One application in one environment.
struct Place<'a> {
    book: &'a Book,
    application: &'a ApplicationId,
    environment: &'a EnvironmentId,
    now: Timestamp,
}

/// Everything that follows at `now`. `new_id` makes ids of requests.
pub(super) fn evaluate(book: &Book, now: Timestamp, mut new_id: impl FnMut() -> String) -> Outcome {
    let mut outcome = Outcome::default();
    for application in book.applications.keys() {
        let mut environments: Vec<_> =
            book.releases_of(application).flat_map(|release| release.stages.keys()).collect();
        environments.sort_unstable();
        environments.dedup();
        for environment in environments {
            Place { book, application, environment, now }.evaluate(&mut outcome, &mut new_id);
        }
    }
    outcome
}

// === impl Outcome ===

impl Outcome {
    fn look(&mut self, at: Option<Timestamp>) {
        self.look_at = self.look_at.into_iter().chain(at).min();
    }

    fn moved(
        &mut self,
        release: &Release,
        environment: &EnvironmentId,
        to: StageState,
        code: &str,
        text: String,
    ) {
        let event = ReleaseEvent::Moved { environment: environment.clone(), to, code: code.to_owned(), text };
        self.changes.push(Change::Release(release.id.clone(), vec![event]));
    }
}

// === impl Place ===

impl Place<'_> {
    fn evaluate(&self, outcome: &mut Outcome, new_id: &mut impl FnMut() -> String) {
        self.one_is_live(outcome);
        self.soaks_end(outcome);
        self.holds_follow(outcome);
        let waiting: Vec<_> = self
            .book
            .stages(self.application, self.environment)
            .filter(|(_, stage)| stage.state.is_waiting())
            .collect();
        let serving = self.book.serving(self.application, self.environment);
        let mut candidates = Vec::new();
        for &(release, stage) in &waiting {
            if release.expires_at.is_some_and(|end| end <= self.now) {
                let text = "its deadline passed while it waited".to_owned();
                outcome.moved(release, self.environment, StageState::Expired, "EXPIRED", text);
            } else {
                let situation = self.book.situation(release, self.environment);
                let open = admit(situation, self.environment, self.now) == Admission::Open;
                candidates.push(Candidate {
                    release: &release.id,
                    open,
                    promoted: stage.promoted_by.is_some(),
                });
            }
        }
        let next = newest_available(&candidates, serving.map(|release| &release.id));
        let latest = next.max(serving.map(|release| &release.id)).cloned();
        for candidate in &candidates {
            if Some(candidate.release) == next {
                self.start(candidate.release, outcome, new_id());
            } else if !candidate.promoted && latest.as_ref().is_some_and(|latest| candidate.release < latest)
            {
                self.superseded(candidate.release, latest.as_ref(), outcome);
            } else {
                self.wait(candidate.release, outcome);
            }
        }
    }

    fn start(&self, id: &ReleaseId, outcome: &mut Outcome, request_id: String) {
        let Some(release) = self.book.release(id.as_str()) else { return };
        let event = ReleaseEvent::RolloutRequested {
            environment: self.environment.clone(),
            request_id,
            plan_digest: release.plan_digest.clone(),
        };
        outcome.changes.push(Change::Release(id.clone(), vec![event]));
    }

    fn superseded(&self, id: &ReleaseId, by: Option<&ReleaseId>, outcome: &mut Outcome) {
        let version =
            |id: &ReleaseId| self.book.release(id.as_str()).map(|release| release.bundle.version.as_str());
        let by = by.and_then(version).unwrap_or("a newer one");
        if let Some(release) = self.book.release(id.as_str()) {
            let text = format!("{} {by} took its place", self.application);
            outcome.moved(release, self.environment, StageState::Superseded, "SUPERSEDED", text);
        }
    }

    /// Says what it waits for, when that has changed.
    fn wait(&self, id: &ReleaseId, outcome: &mut Outcome) {
        let Some(release) = self.book.release(id.as_str()) else { return };
        let Some(stage) = release.stages.get(self.environment) else { return };
        let all = conditions(self.book.situation(release, self.environment), self.environment, self.now);
        outcome.look(next_change_at(&all));
        outcome.look(release.expires_at);
        let unmet: Vec<_> = all.iter().filter(|condition| condition.state == ConditionState::Unmet).collect();
        let Some(first) = unmet.first() else { return };
        let text = waits_for(&unmet);
        if (stage.state, stage.code.as_str(), stage.text.as_str())
            != (StageState::Waiting, first.code, text.as_str())
        {
            outcome.moved(release, self.environment, StageState::Waiting, first.code, text);
        }
    }

    /// The one that started last is live; those before it are not any more.
    fn one_is_live(&self, outcome: &mut Outcome) {
        let live = || self.stages().filter(|(_, stage)| stage.live_since.is_some());
        let latest = live().max_by_key(|(_, stage)| stage.live_since).map(|(release, _)| &release.id);
        for (release, _) in live().filter(|(release, _)| Some(&release.id) != latest) {
            let event = ReleaseEvent::Replaced { environment: self.environment.clone() };
            outcome.changes.push(Change::Release(release.id.clone(), vec![event]));
        }
    }

    fn soaks_end(&self, outcome: &mut Outcome) {
        for (release, stage) in self.stages().filter(|(_, stage)| stage.state == StageState::Soaking) {
            let wanted = release.plan.soak_in(self.environment);
            if stage.soak.longest(self.now).is_some_and(|longest| longest >= wanted) {
                let text = "it was live and healthy long enough".to_owned();
                outcome.moved(release, self.environment, StageState::Completed, "SOAKED", text);
            } else if stage.live_since.is_none() && self.newer_is_live(release) {
                let text = "a newer release took its place before its soak ended".to_owned();
                outcome.moved(release, self.environment, StageState::Superseded, "SUPERSEDED", text);
            } else {
                outcome.look(stage.soak.reaches(wanted));
            }
        }
    }

    /// A promotion by a person ends what a rollback by hand, or an older version, had held. One of an older version holds.
    fn holds_follow(&self, outcome: &mut Outcome) {
        let Some((release, stage)) = self.started_last() else { return };
        let (Some(by), Some(started)) = (&stage.promoted_by, stage.started_at) else { return };
        let ours = self.book.holds.iter().filter(|hold| {
            hold.cause != HoldCause::Person
                && hold.application.as_ref() == Some(self.application)
                && hold.environment.as_ref() == Some(self.environment)
        });
        let id = stage.request_id.clone().unwrap_or_default();
        for hold in ours.filter(|hold| hold.since < started && hold.id != id) {
            let reason = format!("{} {} was promoted", self.application, release.bundle.version);
            outcome
                .changes
                .push(Change::Hold(hold.id.clone(), HoldEvent::Released { by: by.clone(), reason }));
        }
        let newer = self.stages().any(|(other, stage)| other.id > release.id && stage.started_at.is_some());
        if newer && !self.book.known_holds.contains(&id) && !id.is_empty() {
            let reason = format!("{} promoted the older version {}", by.id, release.bundle.version);
            outcome.changes.push(self.hold(id, HoldCause::OlderVersion, by.clone(), reason));
        }
    }

    fn hold(&self, id: String, cause: HoldCause, by: Approver, reason: String) -> Change {
        let hold = Hold {
            id: id.clone(),
            application: Some(self.application.clone()),
            environment: Some(self.environment.clone()),
            cause,
            by,
            reason,
            since: self.now,
        };
        Change::Hold(id, HoldEvent::Held { hold })
    }

    fn stages(&self) -> impl Iterator<Item = (&Release, &Stage)> {
        self.book.stages(self.application, self.environment)
    }

    /// What was started last and is still at work or live.
    fn started_last(&self) -> Option<(&Release, &Stage)> {
        let serves = |stage: &Stage| stage.state == StageState::RollingOut || stage.live_since.is_some();
        self.stages().filter(|(_, stage)| serves(stage)).max_by_key(|(_, stage)| stage.started_at)
    }

    fn newer_is_live(&self, release: &Release) -> bool {
        self.stages().any(|(other, stage)| other.id != release.id && stage.live_since.is_some())
    }
}

fn waits_for(unmet: &[&Condition]) -> String {
    let parts: Vec<_> = unmet.iter().map(|condition| condition.expected.as_str()).collect();
    format!("waits for: {}", parts.join("; "))
}

/// The planner itself, where nobody asked.
pub(crate) fn planner_itself() -> Approver {
    Approver { id: "release-planner".to_owned(), kind: ApproverKind::Service, roles: Vec::new() }
}
