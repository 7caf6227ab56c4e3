//! One process owns the journal.
//!
//! Two things say who: a lock that the operating system holds for the owner's process on a file beside the
//! journal, and the `owners` row with an epoch and a count of renewals. The row names the lock file.
//!
//! - The lock is free: its process is gone. Whoever gets the lock takes over at once, raising the epoch.
//! - The lock is held and the renewals stand still for a whole lease, on the watcher's own steady clock: the owner
//!   is stopped. A standby creates and locks a *new* lock file and takes over, naming it in the row; the stopped
//!   owner keeps a lock that means nothing any more.
//!
//! Both takeovers are one transaction that first compares the row with what was read, so of several candidates
//! one wins. The former owner, should it go on, finds its epoch gone in the transaction of its next commit.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
    time::Duration,
};

use bellwether_clock::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::sql::{Trouble, execute, roll_back, run, signed, unsigned};
use crate::{OpenError, Options};

/// How often a standby looks.
const LOOK: Duration = Duration::from_millis(100);

/// Ownership of a journal, until it is dropped or another process's takeover.
#[derive(Debug)]
pub(super) struct Claim {
    pub epoch: u64,
    /// When the transaction that took it began: the lease runs from here.
    pub since: Timestamp,
    lock_name: String,
    /// Locked as long as it is open.
    _lock: File,
}

/// The `owners` row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    epoch: i64,
    renewals: i64,
    pid: i64,
    lock: String,
}

/// An owner under observation: since when its renewals stand still.
#[derive(Debug)]
struct Sighting {
    owner: Owner,
    since: Timestamp,
}

// === impl Claim ===

impl Claim {
    /// Takes ownership, or waits for it as a standby.
    pub(super) async fn stake(
        connection: &mut SqliteConnection,
        path: &Path,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let failed = |error: sqlx::Error| OpenError::Storage { path: path.to_owned(), source: error.into() };
        let mut sighting = None;
        loop {
            let owner = Owner::read(connection).await.map_err(failed)?;
            let Some((name, lock)) = candidate(&owner, &mut sighting, path, options)? else {
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let since = options.env.now();
            match owner.replace(connection, &name).await {
                Ok(true) => {
                    remove_former(&beside(path, &owner.lock), &beside(path, &name));
                    let epoch = unsigned(owner.epoch) + 1;
                    return Ok(Self { epoch, since, lock_name: name, _lock: lock });
                }
                Ok(false) => {}
                Err(error) if options.standby && Trouble::of(&error) == Trouble::Busy => {
                    tracing::warn!(pid = owner.pid, "the owner is stopped inside a write; waiting for it");
                }
                Err(error) => return Err(failed(error)),
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        tracing::debug!(epoch = self.epoch, lock = self.lock_name, "giving up ownership");
    }
}

/// The lock to take over with, when this is the moment to try.
fn candidate(
    owner: &Owner,
    sighting: &mut Option<Sighting>,
    path: &Path,
    options: &Options,
) -> Result<Option<(String, File)>, OpenError> {
    if let Some(lock) = lock(&beside(path, &owner.lock))? {
        return Ok(Some((owner.lock.clone(), lock)));
    }
    if !options.standby {
        return Err(owner.refusal(path));
    }
    if !Sighting::stands_still(sighting, owner, options) {
        return Ok(None);
    }
    let name = owner.next_lock(path);
    let lock = lock(&beside(path, &name))?;
    Ok(lock.map(|lock| (name, lock)))
}

/// Locks a file, created where needed; none when another process holds it.
fn lock(path: &Path) -> Result<Option<File>, OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// A lock file that the row names no more means nothing.
fn remove_former(former: &Path, current: &Path) {
    if former != current
        && let Err(error) = std::fs::remove_file(former)
    {
        tracing::debug!(%error, path = %former.display(), "could not remove a former lock file");
    }
}

fn beside(path: &Path, name: &str) -> PathBuf {
    path.with_file_name(name)
}

// === impl Owner ===

impl Owner {
    async fn read(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let query = sqlx::query("SELECT epoch, renewals, pid, lock FROM owners WHERE shard = 0");
        let row = query.fetch_one(connection).await?;
        Ok(Self {
            epoch: row.try_get(0)?,
            renewals: row.try_get(1)?,
            pid: row.try_get(2)?,
            lock: row.try_get(3)?,
        })
    }

    /// Puts this process in the owner's place if the row still is as it was read.
    async fn replace(&self, connection: &mut SqliteConnection, lock: &str) -> Result<bool, sqlx::Error> {
        const SQL: &str = "UPDATE owners SET epoch = epoch + 1, renewals = 0, pid = ?, lock = ? \
                           WHERE shard = 0 AND epoch = ? AND renewals = ?";
        run(connection, "BEGIN IMMEDIATE").await?;
        let pid = i64::from(std::process::id());
        let update = sqlx::query(SQL).bind(pid).bind(lock.to_owned()).bind(self.epoch).bind(self.renewals);
        let done = match execute(connection, update).await {
            Ok(done) => done,
            Err(error) => {
                roll_back(connection).await;
                return Err(error);
            }
        };
        match run(connection, "COMMIT").await {
            Ok(()) => Ok(done.rows_affected() == 1),
            Err(error) => {
                roll_back(connection).await;
                Err(error)
            }
        }
    }

    fn next_lock(&self, path: &Path) -> String {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        format!("{name}.lock-{}", self.epoch + 1)
    }

    fn refusal(&self, path: &Path) -> OpenError {
        let pid = u32::try_from(self.pid).unwrap_or(0);
        OpenError::Owned { path: path.to_owned(), pid, epoch: unsigned(self.epoch) }
    }
}

// === impl Sighting ===

impl Sighting {
    /// Whether the owner has shown no sign of life for a lease, as far as `sighting` has watched it.
    fn stands_still(sighting: &mut Option<Self>, owner: &Owner, options: &Options) -> bool {
        match sighting {
            Some(seen) if seen.owner == *owner => options.env.since(seen.since) >= options.lease.length,
            Some(_) | None => {
                *sighting = Some(Self { owner: owner.clone(), since: options.env.now() });
                false
            }
        }
    }
}

/// Renews the lease and checks the epoch, in the transaction under way. False: it is another's.
pub(super) async fn renew(connection: &mut SqliteConnection, epoch: u64) -> Result<bool, sqlx::Error> {
    const SQL: &str = "UPDATE owners SET renewals = renewals + 1 WHERE shard = 0 AND epoch = ?";
    let done = execute(connection, sqlx::query(SQL).bind(signed(epoch))).await?;
    Ok(done.rows_affected() == 1)
}
