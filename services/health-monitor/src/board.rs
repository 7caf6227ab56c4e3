//! The changes of decisions in the order of the journal, for everyone who follows them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bellwether_journal::{EventRecord, Journal, ReadError};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Aggregate as _;
use tokio::sync::watch;

use crate::record::{Analyses, DECIDED, Event};

/// Changes kept in memory; whoever is further behind reads the journal.
const KEPT: usize = 4_096;
const PAGE: usize = 500;

/// Follows the journal's feed, so that the order is the journal's and nothing is missing.
pub struct Board {
    journal: Arc<dyn Journal>,
    recent: Mutex<Recent>,
    /// Everything up to this position of the journal is on the board.
    position: watch::Sender<i64>,
}

#[derive(Debug, Default)]
struct Recent {
    changes: VecDeque<Arc<pb::Verdict>>,
    /// Changes up to this position are no longer, or were never, in `changes`.
    missing: i64,
    /// The newest change of each analysis.
    newest: HashMap<String, Arc<pb::Verdict>>,
}

// === impl Board ===

impl Board {
    /// At the journal's head.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        let head = signed(*journal.head().borrow());
        let recent = Recent { missing: head, ..Recent::default() };
        Self { journal, recent: Mutex::new(recent), position: watch::Sender::new(head) }
    }

    /// What was decided before the start: the newest change of an analysis, with its sequence.
    pub fn recall(&self, verdict: Arc<pb::Verdict>) {
        self.lock().newest.insert(verdict.analysis.clone(), verdict);
    }

    /// Follows the journal until it is closed.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn follow(&self) -> Result<(), ReadError> {
        let mut head = self.journal.head();
        loop {
            let seen = *self.position.borrow();
            let page = self.journal.feed(unsigned(seen), PAGE).await?;
            let Some(last) = page.last().map(|record| signed(record.position)) else {
                if head.changed().await.is_err() {
                    return Ok(());
                }
                continue;
            };
            for verdict in page.iter().filter_map(decided) {
                self.lock().push(Arc::new(verdict));
            }
            self.position.send_replace(last);
        }
    }

    /// Tells of new positions.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.position.subscribe()
    }

    /// The newest change of each analysis.
    pub fn newest(&self) -> Vec<Arc<pb::Verdict>> {
        self.lock().newest.values().cloned().collect()
    }

    /// The newest change of one analysis.
    pub fn newest_of(&self, analysis: &str) -> Option<Arc<pb::Verdict>> {
        self.lock().newest.get(analysis).cloned()
    }

    /// Changes after `seen`, in order, and up to which position they are complete.
    ///
    /// # Errors
    /// The journal cannot be read; [`ReadError::Trimmed`] when `seen` is older than what it keeps.
    pub async fn since(&self, seen: i64) -> Result<(Vec<Arc<pb::Verdict>>, i64), ReadError> {
        let position = *self.position.borrow();
        if let Some(changes) = self.lock().since(seen, position) {
            return Ok((changes, position));
        }
        let page = self.journal.feed(unsigned(seen), PAGE).await?;
        let through = page.last().map_or(position, |record| signed(record.position));
        Ok((page.iter().filter_map(decided).map(Arc::new).collect(), through))
    }

    fn lock(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Recent ===

impl Recent {
    fn push(&mut self, verdict: Arc<pb::Verdict>) {
        if self.changes.len() >= KEPT
            && let Some(gone) = self.changes.pop_front()
        {
            self.missing = gone.sequence;
        }
        self.newest.insert(verdict.analysis.clone(), verdict.clone());
        self.changes.push_back(verdict);
    }

    fn since(&self, seen: i64, through: i64) -> Option<Vec<Arc<pb::Verdict>>> {
        if seen < self.missing {
            return None;
        }
        let first = self.changes.partition_point(|verdict| verdict.sequence <= seen);
        let new = self.changes.iter().skip(first).take_while(|verdict| verdict.sequence <= through);
        Some(new.cloned().collect())
    }
}

/// The verdict of an event that changed a decision, with its sequence.
pub fn decided(record: &EventRecord) -> Option<pb::Verdict> {
    if &*record.kind != DECIDED || !record.stream.starts_with(Analyses::PREFIX) {
        return None;
    }
    match serde_json::from_slice(&record.payload) {
        Ok(Event::Decided { verdict }) => Some(pb::Verdict { sequence: signed(record.position), ..*verdict }),
        Ok(_) => None,
        Err(error) => {
            tracing::error!(%error, position = record.position, "a decision cannot be read");
            None
        }
    }
}

/// Positions are sequences in the contract.
pub fn signed(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn unsigned(sequence: i64) -> u64 {
    u64::try_from(sequence).unwrap_or(0)
}
