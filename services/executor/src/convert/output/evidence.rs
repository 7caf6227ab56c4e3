//! What a failed candidate left behind.

use std::collections::BTreeSet;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{FleetSpec, Rollout, StepKind};

use super::{
    basic::{duration, timestamp},
    instance::exit,
};
use crate::record::RolloutRecord;

/// Only of a rollout that is or was taken back, or whose instances ended by themselves.
pub(super) fn evidence(rollout: &Rollout, record: &RolloutRecord) -> Option<pb::FailureEvidence> {
    if !rollout.undoing() && rollout.evidence.is_empty() {
        return None;
    }
    let failed = bellwether_proto::monitor::v1::Decision::Fail;
    let verdict = record.verdict.as_deref().filter(|verdict| verdict.decision() == failed);
    Some(pb::FailureEvidence {
        verdict: verdict.cloned(),
        exits: rollout.evidence.iter().map(|it| exit(&it.exit, Some(it.at))).collect(),
        configuration_diff: rollout.request.configuration_diff.lines().map(str::to_owned).collect(),
    })
}

/// How long the traffic took to come back, and the candidate to go.
pub(super) fn rollback_times(rollout: &Rollout) -> Option<pb::RollbackTimes> {
    let decided = rollout.undo_at?;
    let ended = |kinds: &[StepKind]| {
        let record = rollout.history.iter().rfind(|step| step.undo && kinds.contains(&step.kind))?;
        Some(duration(bellwether_rollout::since(decided, record.ended_at)))
    };
    Some(pb::RollbackTimes {
        decide_time: Some(timestamp(decided)),
        traffic_back: ended(&[StepKind::VerifyRoute]),
        removed: ended(&[StepKind::Remove]),
    })
}

/// What differs between two specs, a line each. Values may be secrets and are left out.
pub(crate) fn configuration_diff(old: &FleetSpec, new: &FleetSpec) -> String {
    let mut lines = Vec::new();
    let mut differ = |name: String, different: bool| {
        if different {
            lines.push(format!("{name} changed"));
        }
    };
    differ(format!("version {} → {}:", old.artifact.version, new.artifact.version), {
        old.artifact.version != new.artifact.version
    });
    differ("artifact".into(), old.artifact.digest != new.artifact.digest);
    differ("command".into(), (&old.command, &old.args) != (&new.command, &new.args));
    for name in old.env.keys().chain(new.env.keys()).collect::<BTreeSet<_>>() {
        differ(format!("env {name}"), old.env.get(name) != new.env.get(name));
    }
    differ("checks".into(), (&old.ready, &old.live) != (&new.ready, &new.live));
    differ("resources".into(), old.resources != new.resources);
    differ("configuration".into(), old.configuration_digest != new.configuration_digest);
    differ("migrations".into(), old.migrations_digest != new.migrations_digest);
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_names_what_changed_without_values() {
        let env = [("TOKEN".to_owned(), "one".to_owned()), ("SAME".to_owned(), "x".to_owned())].into();
        let old = FleetSpec { env, ..FleetSpec::default() };
        let mut new = old.clone();
        new.env.insert("TOKEN".into(), "two".into());
        new.env.insert("EXTRA".into(), "three".into());
        assert_eq!(configuration_diff(&old, &new), "env EXTRA changed\nenv TOKEN changed");
        assert_eq!(configuration_diff(&old, &old), "");
    }
}
