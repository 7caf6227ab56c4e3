//! Deciding, committing, answering.

use std::sync::Arc;

use bellwether_clock::{Timestamp, spawn};
use bellwether_journal::{Commit, CommitError, NewEvent, Part, RequestRecord, snapshot_due};
use prost::Message;
use tokio::sync::oneshot;

use super::{Call, Decision, Done, Store, TransactError, slot::Slot, snapshot};
use crate::{Aggregate, Entry};

/// A decision with everything that its commit needs.
struct Prepared<A: Aggregate, T> {
    commit: Option<Commit>,
    /// After each event; positions are known once it is committed.
    entries: Vec<Entry<A>>,
    answer: T,
}

// === impl Store ===

impl<A: Aggregate> Store<A> {
    /// Decides on the state of `stream`, commits what was decided and answers.
    ///
    /// # Guarantees
    /// - Calls on one stream follow one another; `decide` sees the state that the call before left.
    /// - Once it has begun it goes on although the caller goes away.
    /// - A repetition of a call (same principal, method, request id and payload) within seven days gets the first
    ///   answer and changes nothing, also after a restart. A refusal binds no request id.
    ///
    /// # Errors
    /// [`TransactError`], which becomes a `Status`. Nothing was changed, except where the journal says that it does
    /// not know.
    pub async fn transact<T, E>(
        &self,
        stream: &str,
        call: Call,
        decide: impl FnOnce(&Entry<A>, Timestamp) -> Result<Decision<A, T>, E> + Send + 'static,
    ) -> Result<Done<A, T>, TransactError<E>>
    where
        T: Message + Default + 'static,
        E: Send + 'static,
    {
        let (store, stream) = (self.clone(), Arc::from(stream));
        let (reply, done) = oneshot::channel();
        spawn("transaction", async move {
            let slot = store.slot(&stream);
            {
                let mut last_snapshot = slot.gate.lock().await;
                let _caller_left = reply.send(store.run(&slot, &call, decide).await);
                store.keep_snapshot(&slot, &mut last_snapshot).await;
            }
            store.tidy(slot);
        });
        done.await.unwrap_or(Err(TransactError::Lost))
    }

    async fn run<T, E>(
        &self,
        slot: &Slot<A>,
        call: &Call,
        decide: impl FnOnce(&Entry<A>, Timestamp) -> Result<Decision<A, T>, E>,
    ) -> Result<Done<A, T>, TransactError<E>>
    where
        T: Message + Default,
    {
        if let Some((scope, id)) = call.key()
            && let Some(record) = self.0.journal.request(scope, id).await.map_err(TransactError::Read)?
        {
            return repeated(slot, call, &record);
        }
        let (before, now) = (slot.current(), self.0.env.now());
        let decision = decide(&before, now).map_err(TransactError::Refused)?;
        let prepared = prepare(&before, now, call, decision)?;
        let Some(commit) = prepared.commit else {
            return Ok(Done { answer: prepared.answer, entry: before, repeated: false });
        };
        match self.0.journal.commit(commit).await {
            Ok(committed) => {
                let first = committed.position + 1 - committed.events;
                slot.advance(positioned(prepared.entries, first));
                Ok(Done { answer: prepared.answer, entry: slot.current(), repeated: false })
            }
            Err(CommitError::RequestExists(record)) => repeated(slot, call, &record),
            Err(error) => Err(TransactError::Commit(error)),
        }
    }

    /// Keeps the state of a stream that has grown enough, or has come to its end, since the last time. One that is
    /// not kept only makes the next replay longer.
    async fn keep_snapshot(&self, slot: &Slot<A>, last: &mut u64) {
        let entry = slot.current();
        let is_new_end = A::ended(&entry.state) && entry.version > *last;
        if !is_new_end && !snapshot_due(entry.version, *last) {
            return;
        }
        let kept = match snapshot::encode(&entry) {
            Ok(payload) => {
                let commit =
                    Commit::new(entry.update_time).snapshot(entry.stream.clone(), entry.version, payload);
                self.0.journal.commit(commit).await.map(drop).map_err(|error| error.to_string())
            }
            Err(error) => Err(error.to_string()),
        };
        match kept {
            Ok(()) => *last = entry.version,
            Err(error) => tracing::warn!(stream = %entry.stream, error, "a snapshot could not be kept"),
        }
    }
}

/// Everything of a commit that follows from the decision.
fn prepare<A: Aggregate, T: Message, E>(
    before: &Arc<Entry<A>>,
    now: Timestamp,
    call: &Call,
    decision: Decision<A, T>,
) -> Result<Prepared<A, T>, TransactError<E>> {
    let Decision { events, answer, puts, urgent } = decision;
    let mut entries: Vec<Entry<A>> = Vec::with_capacity(events.len());
    for event in &events {
        let entry = entries.last().unwrap_or(before);
        let next = entry.evolve(event, now, 0).map_err(|error| TransactError::Illegal(error.into()))?;
        entries.push(next);
    }
    let after = entries.last().unwrap_or(before);
    let answer = answer(after);
    let mut commit = Commit { puts, urgent, ..Commit::new(now) };
    if let Some((scope, id)) = call.key() {
        let answer = answer.encode_to_vec().into();
        let (scope, id) = (scope.to_owned(), id.to_owned());
        commit.request = Some(RequestRecord { scope, id, digest: call.digest, answer, time: now });
    }
    if !events.is_empty() {
        commit.parts.push(part(before, after, &events)?);
    }
    let nothing = commit.parts.is_empty() && commit.puts.is_empty() && commit.request.is_none();
    Ok(Prepared { commit: (!nothing).then_some(commit), entries, answer })
}

fn part<A: Aggregate, E>(
    before: &Entry<A>,
    after: &Entry<A>,
    events: &[A::Event],
) -> Result<Part, TransactError<E>> {
    let encoded = events.iter().map(|event| {
        let payload = serde_json::to_vec(event).map_err(|error| TransactError::Encoding(error.into()))?;
        Ok(NewEvent::new(A::kind(event), payload))
    });
    Ok(Part {
        stream: before.stream.clone(),
        expected_version: before.version,
        events: encoded.collect::<Result<_, _>>()?,
        ended: A::ended(&after.state),
    })
}

/// The states with the positions that their events got.
fn positioned<A: Aggregate>(entries: Vec<Entry<A>>, first: u64) -> impl Iterator<Item = Arc<Entry<A>>> {
    entries.into_iter().zip(first..).map(|(entry, position)| Arc::new(Entry { position, ..entry }))
}

/// The first answer, when it is the same request.
fn repeated<A: Aggregate, T: Message + Default, E>(
    slot: &Slot<A>,
    call: &Call,
    record: &RequestRecord,
) -> Result<Done<A, T>, TransactError<E>> {
    if record.digest != call.digest {
        return Err(TransactError::RequestIdReused(record.id.clone()));
    }
    let answer = T::decode(&*record.answer).map_err(|error| TransactError::Encoding(error.into()))?;
    Ok(Done { answer, entry: slot.current(), repeated: true })
}
