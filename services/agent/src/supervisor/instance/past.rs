//! The output of instances that are gone: kept for those who ask why, and not for ever.

use std::{fs, path::Path};

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Log, Record};

/// So many of each target. The output of one is at most twice as large as a file may become.
const KEPT: usize = 20;
/// Beside the output: whose it was.
const NAME: &str = "instance.json";

/// The output of an instance that is gone.
#[derive(Debug)]
pub struct Past {
    /// The instance.
    pub id: Uuid,
    /// Its fleet.
    pub fleet: String,
    /// Its output.
    pub log: Log,
    ended: Timestamp,
}

/// Whose an output was.
#[derive(Debug, Serialize, Deserialize)]
struct Owner {
    target: String,
    fleet: String,
    ended: Timestamp,
}

/// Notes whose the output of an instance was that is gone now, and removes the oldest ones of the same target.
pub fn keep(directory: &Path, record: &Record, now: Timestamp) {
    let owner = Owner { target: record.target.clone(), fleet: record.fleet.clone(), ended: now };
    let place = directory.join(record.id.to_string());
    // one that never ran has no output
    if !place.is_dir() {
        return;
    }
    let written =
        serde_json::to_vec(&owner).map_err(Into::into).and_then(|json| fs::write(place.join(NAME), json));
    if let Err(error) = written {
        tracing::warn!(instance = %record.id, %error, "its output is not kept: nobody would know whose it is");
        Log::new(directory, record.id).remove();
    }
    let past = of(directory, &record.target);
    past.iter().take(past.len().saturating_sub(KEPT)).for_each(|oldest| oldest.log.remove());
}

/// The outputs of a target's instances that are gone, the newest last.
pub fn of(directory: &Path, target: &str) -> Vec<Past> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let past = |entry: fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        let owner: Owner = serde_json::from_slice(&fs::read(entry.path().join(NAME)).ok()?).ok()?;
        let log = Log::new(directory, id);
        (owner.target == target).then_some(Past { id, fleet: owner.fleet, log, ended: owner.ended })
    };
    let mut all: Vec<Past> = entries.filter_map(past).collect();
    all.sort_by_key(|past| past.ended);
    all
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::supervisor::Spec;

    fn record(target: &str, number: u128) -> Record {
        let (id, fleet) = (Uuid::from_u128(number), format!("fleet-{number}"));
        let target = target.to_owned();
        let (spec, process, started, last_exit) = (Spec::default(), None, None, None);
        Record { id, target, fleet, spec, port: 0, process, started, restarts: 0, last_exit }
    }

    #[test]
    fn the_newest_of_each_target_are_kept() {
        let directory = tempfile::tempdir().unwrap();
        let gone = |target: &str, number: u128| {
            let record = record(target, number);
            drop(Log::new(directory.path(), record.id).writer().unwrap());
            let ended = Timestamp::UNIX_EPOCH + Duration::from_secs(u64::try_from(number).unwrap());
            keep(directory.path(), &record, ended);
        };
        gone("targets/cart@production", 1);
        (2..=30).for_each(|number| gone("targets/shop@production", number));
        // one that runs is nobody's past
        drop(Log::new(directory.path(), Uuid::from_u128(99)).writer().unwrap());

        let fleets = |target: &str| -> Vec<String> {
            of(directory.path(), target).into_iter().map(|past| past.fleet).collect()
        };
        assert_eq!(fleets("targets/cart@production"), ["fleet-1"]);
        let newest: Vec<String> = (11..=30).map(|number| format!("fleet-{number}")).collect();
        assert_eq!(fleets("targets/shop@production"), newest);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1 + KEPT + 1);
    }
}
