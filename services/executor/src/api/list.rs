//! Lists, a page at a time.

use std::{cmp::Reverse, collections::BTreeMap};

use bellwether_proto::executor::v1 as pb;
use bellwether_resource::error::{Problem, STORAGE_FAILED};
use bellwether_rollout::RolloutId;

use super::able;
use crate::{
    convert::{self, request},
    shell::{Executor, archive},
    targets::Targets,
};

/// How many kept rollouts are looked at at once.
const ROWS: usize = 200;

/// Targets by name.
pub(super) fn targets(executor: &Executor, list: &request::ListTargets) -> (Vec<pb::Target>, String) {
    let exist = executor.store().all().into_iter().filter(|entry| entry.state.core.spec.is_some());
    let shown = |target| able::known(executor.drivers(), target);
    let keyed = exist.map(|entry| (entry.stream.to_string(), shown(convert::target(&entry))));
    let wanted =
        keyed.filter(|(_, target)| list.filter.matches(|field| request::target_value(target, field)));
    list.paging.cut(wanted, false)
}

/// Rollouts, the newest first: those that their targets still know, and those that are kept.
///
/// # Errors
/// `STORAGE_FAILED`.
pub(super) async fn rollouts(
    executor: &Executor,
    list: &request::ListRollouts,
) -> Result<(Vec<pb::Rollout>, String), Problem> {
    let mut found = known(executor, list);
    kept(executor, list, &mut found).await?;
    let keyed = found.into_iter().map(|(Reverse(id), rollout)| (id.to_string(), rollout));
    Ok(list.paging.cut(keyed, true))
}

type Found = BTreeMap<Reverse<RolloutId>, pb::Rollout>;

fn matches(list: &request::ListRollouts, rollout: &pb::Rollout) -> bool {
    list.filter.matches(|field| request::rollout_value(rollout, field))
}

fn known(executor: &Executor, list: &request::ListRollouts) -> Found {
    let mut found = Found::new();
    for entry in executor.store().all() {
        if list.filter.wanted("target").is_some_and(|target| target != &*entry.stream) {
            continue;
        }
        for rollout in entry.state.core.rollouts.values() {
            found.insert(Reverse(rollout.id()), convert::rollout(&entry, rollout));
        }
    }
    found.retain(|_, rollout| matches(list, rollout));
    found
}

/// Adds as many kept ones as a page may need.
async fn kept(executor: &Executor, list: &request::ListRollouts, found: &mut Found) -> Result<(), Problem> {
    let mut before = list.paging.after().and_then(|id| id.parse().ok()).map(RolloutId);
    let mut added = 0;
    while added <= list.paging.size() {
        let rows = archive::newest(&**executor.journal(), before, ROWS).await.map_err(|error| {
            tracing::error!(%error, "the kept rollouts could not be read");
            STORAGE_FAILED.because("the service cannot read its journal")
        })?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        before = Some(*last);
        for (id, rollout) in rows {
            let unknown = !is_known(executor, id);
            if unknown && matches(list, &rollout) {
                found.insert(Reverse(id), rollout);
                added += 1;
            }
        }
    }
    Ok(())
}

/// Whether its target still knows it, and better than what is kept.
fn is_known(executor: &Executor, id: RolloutId) -> bool {
    let entry = executor.seats().stream_of(id).and_then(|stream| executor.store().get(&stream));
    entry.is_some_and(|entry| Targets::rollout(&entry, id).is_some())
}
