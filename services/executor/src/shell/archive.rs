//! Rollouts that have ended, kept beyond the core's memory: one summary each, for good.

use bellwether_journal::{Journal, ReadError};
use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::RolloutId;
use bytes::Bytes;
use uuid::Uuid;

use crate::{
    convert,
    targets::{TargetEntry, Targets},
};

const ROLLOUTS: &str = "rollout/";
const NUMBERS: &str = "number/";

/// What is kept of the rollouts that have ended just now: the summary by id, and the id by number.
pub(super) fn of_ended(entry: &TargetEntry, ended: &[RolloutId]) -> Vec<(String, Bytes)> {
    let rows = ended.iter().filter_map(|id| {
        let rollout = Targets::rollout(entry, *id)?;
        let summary = serde_json::to_vec(&convert::rollout(entry, rollout)).ok()?;
        let number = number_key(Targets::name(&entry.stream), rollout.number);
        Some([(key(*id), Bytes::from(summary)), (number, Bytes::from(id.to_string()))])
    });
    rows.flatten().collect()
}

/// One by its id.
///
/// # Errors
/// The journal could not be read.
pub(crate) async fn get(journal: &dyn Journal, id: RolloutId) -> Result<Option<pb::Rollout>, ReadError> {
    let row = journal.get(&key(id)).await?;
    Ok(row.and_then(|row| decode(&row)))
}

/// The id of one by its number.
///
/// # Errors
/// The journal could not be read.
pub(crate) async fn numbered(
    journal: &dyn Journal,
    target: &str,
    number: u64,
) -> Result<Option<RolloutId>, ReadError> {
    let row = journal.get(&number_key(target, number)).await?;
    let id = row.and_then(|row| Uuid::try_parse_ascii(&row).ok());
    Ok(id.map(RolloutId))
}

/// The newest ones before `before` (all where it is none), the newest first.
///
/// # Errors
/// The journal could not be read.
pub(crate) async fn newest(
    journal: &dyn Journal,
    before: Option<RolloutId>,
    limit: usize,
) -> Result<Vec<(RolloutId, pb::Rollout)>, ReadError> {
    let after = before.map(key);
    let rows = journal.scan(ROLLOUTS, after.as_deref(), limit).await?;
    Ok(rows.into_iter().filter_map(|(key, row)| Some((id(&key)?, decode(&row)?))).collect())
}

fn decode(row: &[u8]) -> Option<pb::Rollout> {
    serde_json::from_slice(row)
        .inspect_err(|error| tracing::error!(%error, "a kept rollout cannot be read"))
        .ok()
}

/// Keys are scanned upwards and the newest come first: the id counts backwards.
fn key(id: RolloutId) -> String {
    format!("{ROLLOUTS}{:032x}", !id.0.as_u128())
}

fn id(key: &str) -> Option<RolloutId> {
    let backwards = u128::from_str_radix(key.strip_prefix(ROLLOUTS)?, 16).ok()?;
    Some(RolloutId(Uuid::from_u128(!backwards)))
}

fn number_key(target: &str, number: u64) -> String {
    format!("{NUMBERS}{target}/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back_and_the_newest_come_first() {
        let (old, new) = (RolloutId(Uuid::from_u128(7)), RolloutId(Uuid::from_u128(8)));
        assert!(key(new) < key(old));
        assert_eq!(id(&key(old)), Some(old));
    }
}
