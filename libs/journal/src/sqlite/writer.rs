//! The one task that writes.
//!
//! It takes what is waiting, up to a bound, as one group into one transaction: while the disk syncs one group the
//! next gathers, so the load itself sets the size of groups. Nothing waits for a group to fill.

use std::sync::Arc;

use bellwether_clock::Timestamp;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::{
    ballast::Ballast,
    group::{Advance, Group, Known},
    owner::Claim,
    status::Status,
    transaction::{Failure, abandon, begin, finish},
    trim::{Cut, trim_step},
};
use crate::{Commit, CommitError, Committed, Health, Options, Trimmed, faults::Trap, options::before};

const MOST_COMMITS: usize = 512;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A commit that waits for its group.
#[derive(Debug)]
pub(super) struct Item {
    pub commit: Commit,
    pub reply: oneshot::Sender<Result<Committed, CommitError>>,
}

/// What a handle wants beside commits.
#[derive(Debug)]
pub(super) enum Control {
    /// One bounded step of retention; answers what it removed and whether there is more.
    Trim(oneshot::Sender<Result<(Trimmed, bool), CommitError>>),
    /// Finish and close; answers when the files are free.
    Close(oneshot::Sender<()>),
}

/// The writer's belongings.
#[derive(Debug)]
pub(super) struct Writer {
    pub connection: SqliteConnection,
    pub claim: Claim,
    pub known: Known,
    pub ballast: Ballast,
    pub trap: Trap,
    pub status: Arc<Status>,
    pub options: Options,
}

type Answer = Result<Committed, CommitError>;

// === impl Writer ===

impl Writer {
    /// Until closed, or until the last handle is dropped.
    pub(super) async fn run(
        mut self,
        mut commits: mpsc::Receiver<Item>,
        mut controls: mpsc::Receiver<Control>,
    ) {
        let mut renewed = self.claim.since;
        let closed = loop {
            let due = renewed.checked_add(self.options.lease.renew).unwrap_or(Timestamp::MAX);
            tokio::select! {
                biased;
                control = controls.recv() => match control {
                    Some(Control::Trim(reply)) => drop(reply.send(self.trim().await)),
                    Some(Control::Close(reply)) => break Some(reply),
                    None => break None,
                },
                () = tokio::time::sleep(self.options.env.until(due)) => {
                    renewed = self.options.env.now();
                    self.renew().await;
                }
                Some(first) = commits.recv() => {
                    let group = self.gather(first, &mut commits);
                    self.commit(group).await;
                }
            }
        };
        commits.close();
        while let Some(first) = commits.recv().await {
            let group = self.gather(first, &mut commits);
            self.commit(group).await;
        }
        self.end().await;
        if let Some(reply) = closed {
            let _nobody_waits = reply.send(());
        }
    }

    fn gather(&self, first: Item, commits: &mut mpsc::Receiver<Item>) -> Vec<Item> {
        let mut bytes = first.commit.size();
        let mut group = vec![first];
        let most = if self.trap.is_set() { 1 } else { MOST_COMMITS };
        while group.len() < most
            && bytes < MOST_BYTES
            && let Ok(item) = commits.try_recv()
        {
            bytes += item.commit.size();
            group.push(item);
        }
        group
    }

    /// Commits a group and answers each of its items. What a full disk refuses is tried again without the items
    /// that can wait.
    async fn commit(&mut self, group: Vec<Item>) {
        let group = self.refuse(group);
        match self.transact(&group).await {
            Ok(answers) => answer(group, answers),
            Err(Failure::Full) if self.status.health() == Health::Serving => {
                self.disk_is_full();
                let urgent = self.refuse(group);
                match self.transact(&urgent).await {
                    Ok(answers) => answer(urgent, answers),
                    Err(failure) => self.fail(urgent, &failure),
                }
            }
            Err(failure) => self.fail(group, &failure),
        }
    }

    /// Answers those that are refused unseen; the others are left.
    fn refuse(&self, group: Vec<Item>) -> Vec<Item> {
        let mut left = Vec::with_capacity(group.len());
        for item in group {
            match self.status.refusal(item.commit.urgent) {
                Some(refusal) => drop(item.reply.send(Err(refusal))),
                None => left.push(item),
            }
        }
        left
    }

    async fn transact(&mut self, group: &[Item]) -> Result<Vec<Answer>, Failure> {
        if group.is_empty() {
            return Ok(vec![]);
        }
        let began = self.options.env.now();
        begin(&mut self.connection, self.claim.epoch).await?;
        let (answers, advance) = match self.fill(group).await {
            Ok(filled) => filled,
            Err(error) => return Err(abandon(&mut self.connection, error).await),
        };
        let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
        self.trap.before(accepted);
        finish(&mut self.connection).await?;
        self.trap.after();
        self.status.extend_lease(began, self.options.lease.length);
        let position = self.known.advance(advance);
        self.status.head.send_if_modified(|head| std::mem::replace(head, position) != position);
        Ok(answers)
    }

    async fn fill(&mut self, group: &[Item]) -> Result<(Vec<Answer>, Advance), sqlx::Error> {
        let forgotten = before(&self.options.env, self.options.retention.requests);
        let commits = group.iter().map(|item| &item.commit);
        let connection = &mut self.connection;
        let mut rows =
            Group::load(connection, &self.known, self.claim.epoch, forgotten, commits.clone()).await?;
        let answers = commits.map(|commit| rows.admit(commit)).collect();
        Ok((answers, rows.write(connection).await?))
    }

    /// Shows that the owner lives, and looks whether a full disk has recovered.
    async fn renew(&mut self) {
        if self.status.health().is_final() {
            return;
        }
        let began = self.options.env.now();
        let renewed = match begin(&mut self.connection, self.claim.epoch).await {
            Ok(()) => finish(&mut self.connection).await,
            Err(failure) => Err(failure),
        };
        match renewed {
            Ok(()) => self.status.extend_lease(began, self.options.lease.length),
            Err(failure) => self.note(&failure),
        }
        if self.status.health() == Health::DiskFull {
            self.recover();
        }
    }

    /// Serves normally again once the ballast is back.
    pub(super) fn recover(&self) {
        match self.ballast.take() {
            Ok(true) => self.status.set_health(Health::Serving),
            Ok(false) => self.status.set_health(Health::DiskFull),
            Err(error) => {
                tracing::error!(%error, "the ballast could not be taken");
                self.status.set_health(Health::DiskFull);
            }
        }
    }

    async fn trim(&mut self) -> Result<(Trimmed, bool), CommitError> {
        if let Some(refusal) = self.status.refusal(true) {
            return Err(refusal);
        }
        let cut = Cut::new(&self.options);
        match trim_step(&mut self.connection, self.claim.epoch, &cut, &self.status).await {
            Ok(step) => Ok(step),
            Err(failure) => {
                self.note(&failure);
                Err(failure.to_error(self.claim.epoch))
            }
        }
    }

    /// Draws the conclusion from a failure.
    fn note(&self, failure: &Failure) {
        match failure {
            Failure::Fenced => self.status.set_health(Health::Fenced),
            Failure::Full => self.disk_is_full(),
            Failure::Other(error) => {
                self.status.set_health(Health::Failed);
                tracing::error!(%error, "the journal could not be written");
            }
        }
    }

    fn fail(&self, group: Vec<Item>, failure: &Failure) {
        self.note(failure);
        for item in group {
            let _nobody_waits = item.reply.send(Err(failure.to_error(self.claim.epoch)));
        }
    }

    fn disk_is_full(&self) {
        self.ballast.give_up();
        self.status.set_health(Health::DiskFull);
    }

    async fn end(self) {
        self.status.set_health(Health::Closed);
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the journal's file was not closed in order; it is whole all the same");
        }
    }
}

fn answer(group: Vec<Item>, answers: Vec<Answer>) {
    for (item, answer) in group.into_iter().zip(answers) {
        let _nobody_waits = item.reply.send(answer);
    }
}
