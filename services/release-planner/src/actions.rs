//! What can be done now.

use bellwether_clock::Timestamp;
use bellwether_plan::{EnvironmentId, Release, RuleState, Stage, StageState, Steering, evaluate};
use bellwether_proto::common::v1::{AllowedAction, Permission};

/// What a release waits for that a promotion ends.
const ENDED_BY_PROMOTING: &[&str] =
    &["PROMOTION_MANUAL", "FAILED_HERE", "HELD_AFTER_ROLLBACK", "HELD_ON_OLDER_VERSION"];
const SERVICE: &str = "bellwether.planner.v1.ReleasePlannerService";

/// A release in one environment.
struct Here<'a> {
    release: &'a Release,
    environment: &'a EnvironmentId,
    stage: &'a Stage,
    vetoed: bool,
    now: Timestamp,
}

/// What can be done with an application.
pub(crate) fn of_application(name: &str) -> Vec<AllowedAction> {
    let id = name.trim_start_matches("applications/");
    vec![
        action(
            "SubmitRelease",
            format!("bellwether release {id} -v <version>"),
            Permission::Request,
            "releases a version",
        ),
        action("ApplyApplication", "bellwether apply -f <file>".into(), Permission::Administer, "changes it"),
        action(
            "DeleteApplication",
            String::new(),
            Permission::Administer,
            "removes it and everything that runs of it",
        ),
    ]
}

/// What can be done with an environment.
pub(crate) fn of_environment() -> Vec<AllowedAction> {
    vec![
        action("ApplyEnvironment", "bellwether apply -f <file>".into(), Permission::Administer, "changes it"),
        action(
            "DeleteEnvironment",
            String::new(),
            Permission::Administer,
            "removes it, when nothing names it",
        ),
    ]
}

/// What can be done with a release at `now`: only what will be accepted. `vetoed`: its version must never start again.
pub(crate) fn of_release(release: &Release, vetoed: bool, now: Timestamp) -> Vec<AllowedAction> {
    let mut actions = Vec::new();
    for (environment, stage) in &release.stages {
        let here = Here { release, environment, stage, vetoed, now };
        actions.extend(here.actions());
    }
    if release.stages.values().any(|stage| stage.state.is_waiting()) {
        let command = format!("bellwether cancel releases/{}", release.id);
        actions.push(action("CancelRelease", command, Permission::Request, "ends what has not started"));
    }
    actions
}

fn action(method: &str, command: String, permission: Permission, effect: &str) -> AllowedAction {
    AllowedAction {
        method: format!("{SERVICE}/{method}"),
        command,
        permission: permission.into(),
        effect: effect.to_owned(),
    }
}

// === impl Here ===

impl Here<'_> {
    fn actions(&self) -> Vec<AllowedAction> {
        let mut actions = if self.stage.state.is_waiting() { self.decisions() } else { Vec::new() };
        actions.extend(self.promotion());
        actions.extend(self.stage.steering().map(|steering| self.steer(steering)));
        actions
    }

    /// Approving, as long as it is asked for; rejecting.
    fn decisions(&self) -> Vec<AllowedAction> {
        let rules = self.release.plan.part(self.environment).map_or(&[][..], |part| &part.approvals);
        let missing = rules.iter().any(|rule| {
            let given = self.release.valid_approvals(self.environment);
            evaluate(rule, given, &self.release.requester, self.now).state == RuleState::Unmet
        });
        let approve = || {
            let effect = format!("approves it for {}", self.environment);
            self.action("ApproveRelease", "approve", Permission::Approve, &effect)
        };
        let reject = || self.action("RejectRelease", "reject", Permission::Approve, "ends it");
        let approve = missing.then(approve);
        approve.into_iter().chain((!rules.is_empty()).then(reject)).collect()
    }

    fn promotion(&self) -> Option<AllowedAction> {
        let state = self.stage.state;
        let waits = state.is_waiting() && ENDED_BY_PROMOTING.contains(&self.stage.code.as_str());
        let again = !state.is_waiting() && self.stage.live_since.is_none();
        let possible = state.may_become(StageState::Waiting) && !self.vetoed;
        ((waits || again) && possible).then(|| {
            let once_more = if again { " again" } else { "" };
            let effect = format!("sends it on into {}{once_more}", self.environment);
            self.action("PromoteRelease", "promote", Permission::Operate, &effect)
        })
    }

    fn steer(&self, steering: Steering) -> AllowedAction {
        let (method, verb, effect) = match steering {
            Steering::Pause => ("PauseRelease", "pause", "holds its rollout"),
            Steering::Resume => ("ResumeRelease", "resume", "lifts the pause"),
            Steering::Abort => ("AbortRelease", "abort", "takes it back"),
            Steering::RollBack => ("RollbackRelease", "rollback", "takes it back"),
        };
        self.action(method, verb, Permission::Operate, &format!("{effect} in {}", self.environment))
    }

    fn action(&self, method: &str, verb: &str, permission: Permission, effect: &str) -> AllowedAction {
        let command = format!("bellwether {verb} releases/{} -e {}", self.release.id, self.environment);
        action(method, command, permission, effect)
    }
}
