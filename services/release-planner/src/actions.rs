//! What can be done now.

use bellwether_plan::{Release, StageState};
use bellwether_proto::common::v1::{AllowedAction, Permission};

/// What a release waits for that a promotion ends.
const ENDED_BY_PROMOTING: &[&str] =
    &["PROMOTION_MANUAL", "FAILED_HERE", "HELD_AFTER_ROLLBACK", "HELD_ON_OLDER_VERSION"];
const SERVICE: &str = "bellwether.planner.v1.ReleasePlannerService";

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

/// What can be done with a release.
pub(crate) fn of_release(release: &Release) -> Vec<AllowedAction> {
    let mut actions = Vec::new();
    for (environment, stage) in &release.stages {
        let of = format!("releases/{} -e {environment}", release.id);
        let mut add = |method, verb: &str, permission, effect: String| {
            actions.push(action(method, format!("bellwether {verb} {of}"), permission, &effect));
        };
        match stage.state {
            StageState::Submitted | StageState::Planned | StageState::Waiting => {
                let asks = release.plan.part(environment).is_some_and(|part| !part.approvals.is_empty());
                if asks {
                    add(
                        "ApproveRelease",
                        "approve",
                        Permission::Approve,
                        format!("approves it for {environment}"),
                    );
                    add("RejectRelease", "reject", Permission::Approve, "ends it".to_owned());
                }
                if ENDED_BY_PROMOTING.contains(&stage.code.as_str()) {
                    let effect = format!("sends it on into {environment}");
                    add("PromoteRelease", "promote", Permission::Operate, effect);
                }
            }
            StageState::RollingOut => {
                let place = format!("in {environment}");
                add("PauseRelease", "pause", Permission::Operate, format!("holds its rollout {place}"));
                add("ResumeRelease", "resume", Permission::Operate, format!("lifts the pause {place}"));
                add("AbortRelease", "abort", Permission::Operate, format!("takes it back {place}"));
            }
            StageState::Soaking | StageState::Completed if stage.live_since.is_some() => {
                add(
                    "RollbackRelease",
                    "rollback",
                    Permission::Operate,
                    format!("takes it back in {environment}"),
                );
            }
            StageState::Soaking
            | StageState::Completed
            | StageState::Failed
            | StageState::RolledBack
            | StageState::Superseded => {
                add(
                    "PromoteRelease",
                    "promote",
                    Permission::Operate,
                    format!("sends it into {environment} again"),
                );
            }
            StageState::Rejected | StageState::Cancelled | StageState::Expired => {}
        }
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
