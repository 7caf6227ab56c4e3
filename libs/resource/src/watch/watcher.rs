//! One reader of a Watch.

mod read;

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration, vec};

use bellwether_clock::Timestamp;
use bellwether_proto::common::v1::{WatchCurrent, WatchHeartbeat, WatchReset};
use bytes::Bytes;
use futures::{
    FutureExt as _, StreamExt as _,
    future::{BoxFuture, Fuse},
    stream::{BoxStream, unfold},
};
use tokio::{
    sync::watch,
    time::{Sleep, sleep},
};
use tonic::Status;
use tracing::Span;

use super::{
    Part, Progress, View,
    out::Out,
    resume::{Origin, Unusable},
    stream::Opened,
};
use crate::{Aggregate, Entry, Filter, Store, error::DRAINING, time::to_timestamp};

/// The contract says at least every ten seconds.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// Where the stream stands.
enum Phase<A: Aggregate> {
    /// Waits until watchers are told of everything up to `committed`, which was before the call: a snapshot, or a
    /// `current`, without it would contradict what the caller was answered before. Then a snapshot, or what had been
    /// missed.
    Opening { committed: u64, snapshot: bool },
    /// Sends the snapshot; `current` follows at once.
    Snapshot(vec::IntoIter<Arc<Entry<A>>>),
    /// Sends what had been missed up to this position; then `current`.
    CatchingUp(u64),
    /// Sends what happens.
    Live,
    /// Has sent its last token; the status follows.
    Ending,
    /// Has ended.
    Over,
}

pub(super) struct Watcher<V: View> {
    store: Store<V::Aggregate>,
    view: V,
    filter: Filter,
    origin: Origin,
    phase: Phase<V::Aggregate>,
    /// Everything up to here has been sent or queued.
    position: u64,
    /// States as of up to this position have been sent: an event up to it comes with the newest state, so that no
    /// older one follows.
    seen_until: u64,
    queue: VecDeque<Out<V>>,
    last_sent: Timestamp,
    progress: watch::Receiver<Progress>,
    ended: Fuse<BoxFuture<'static, ()>>,
    /// Set for a time when a heartbeat may be due; what is sent meanwhile does not set it anew.
    timer: Option<Pin<Box<Sleep>>>,
    /// The call's; not entered for each message.
    span: Span,
}

// === impl Watcher ===

impl<V: View> Watcher<V> {
    pub(super) fn new(
        store: Store<V::Aggregate>,
        view: V,
        filter: Filter,
        resume_token: &str,
        ended: BoxFuture<'static, ()>,
    ) -> Self {
        let fields = V::FIELDS.iter().map(|field| field.0).collect::<Vec<_>>().join(",");
        let origin = Origin::new(store.journal().id(), V::Aggregate::PREFIX, &fields, &filter);
        let (progress, last_sent) = (store.0.progress.subscribe(), store.env().now());
        let mut watcher = Self {
            store,
            view,
            filter,
            origin,
            phase: Phase::Live,
            position: 0,
            seen_until: 0,
            queue: VecDeque::new(),
            last_sent,
            progress,
            ended: ended.fuse(),
            timer: None,
            span: Span::current(),
        };
        watcher.begin(resume_token);
        watcher
    }

    fn begin(&mut self, token: &str) {
        if token.is_empty() {
            return self.open(true);
        }
        match self.origin.position(token) {
            Ok(position) if position > self.committed() => self.reset(Unusable::Ahead),
            Ok(position) => {
                self.position = position;
                self.open(false);
            }
            Err(unusable) => self.reset(unusable),
        }
    }

    fn reset(&mut self, why: Unusable) {
        self.push(Part::Reset(WatchReset { reason: why.name().to_owned() }));
        self.open(true);
    }

    fn open(&mut self, snapshot: bool) {
        self.phase = Phase::Opening { committed: self.committed(), snapshot };
    }

    fn committed(&self) -> u64 {
        *self.store.journal().head().borrow()
    }

    fn take_snapshot(&mut self) {
        let (position, entries) = self.store.published();
        self.position = position;
        self.phase = Phase::Snapshot(entries.into_iter());
    }

    fn push(&mut self, part: Part<V::Resource>) {
        self.queue.push_back(Out::Own(V::message(part)));
    }

    /// What is sent next; none after the end.
    async fn next(&mut self) -> Option<Result<Out<V>, Status>> {
        loop {
            if let Some(out) = self.queue.pop_front() {
                self.last_sent = self.store.env().now();
                return Some(Ok(out));
            }
            match self.advance().await {
                Ok(()) => {}
                Err(Some(status)) => return Some(Err(status)),
                Err(None) => return None,
            }
        }
    }

    /// Does something towards the next message. An error ends the stream.
    async fn advance(&mut self) -> Result<(), Option<Status>> {
        if (&mut self.ended).now_or_never().is_some() {
            return self.end();
        }
        match &mut self.phase {
            Phase::Over => Err(None),
            Phase::Ending => Err(Some(self.farewell())),
            Phase::Opening { committed, snapshot } => {
                let (committed, snapshot) = (*committed, *snapshot);
                let Progress { position, over } = *self.progress.borrow_and_update();
                // a journal that cannot be read for now keeps nobody waiting for ever
                if position < committed && !over && !self.until_beat().is_zero() {
                    return self.progressed().await;
                }
                match snapshot {
                    true => self.take_snapshot(),
                    false => self.phase = Phase::CatchingUp(position),
                }
                Ok(())
            }
            Phase::Snapshot(entries) => {
                match entries.next() {
                    Some(entry) => self.show(&entry),
                    None => self.phase = Phase::CatchingUp(self.position),
                }
                Ok(())
            }
            Phase::CatchingUp(until) if self.position >= *until => {
                self.phase = Phase::Live;
                let resume_token = self.origin.token(self.position);
                self.push(Part::Current(WatchCurrent { resume_token }));
                Ok(())
            }
            Phase::CatchingUp(_) => self.read().await,
            Phase::Live => {
                let Progress { position, over } = *self.progress.borrow_and_update();
                match (position > self.position, over) {
                    (true, _) => self.read().await,
                    (false, true) => self.end(),
                    (false, false) => self.wait().await,
                }
            }
        }
    }

    async fn wait(&mut self) -> Result<(), Option<Status>> {
        let left = self.until_beat();
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(left)));
        tokio::select! {
            biased;
            () = &mut self.ended => return self.end(),
            changed = self.progress.changed() => if changed.is_err() { return self.end() },
            () = timer.as_mut() => {
                self.timer = None;
                if self.until_beat().is_zero() {
                    self.beat();
                }
            }
        }
        Ok(())
    }

    /// Waits without a word: there is no place yet that a token could name.
    async fn progressed(&mut self) -> Result<(), Option<Status>> {
        let left = self.until_beat();
        tokio::select! {
            biased;
            () = &mut self.ended => self.end(),
            changed = self.progress.changed() => if changed.is_err() { self.end() } else { Ok(()) },
            () = sleep(left) => Ok(()),
        }
    }

    /// The time until a heartbeat is due, should nothing be sent.
    fn until_beat(&self) -> Duration {
        let due = self.last_sent.checked_add(HEARTBEAT).unwrap_or(Timestamp::MAX);
        self.store.env().until(due)
    }

    /// Says goodbye with the last token, where there is one.
    fn end(&mut self) -> Result<(), Option<Status>> {
        match std::mem::replace(&mut self.phase, Phase::Ending) {
            Phase::Opening { .. } | Phase::Snapshot(_) | Phase::Ending | Phase::Over => {
                Err(Some(self.farewell()))
            }
            Phase::CatchingUp(_) | Phase::Live => {
                self.beat();
                Ok(())
            }
        }
    }

    /// What the stream ends with.
    fn farewell(&mut self) -> Status {
        self.phase = Phase::Over;
        DRAINING.because("the server ends this stream").retry_after(Duration::ZERO).into()
    }

    fn beat(&mut self) {
        let time = Some(to_timestamp(self.store.env().now()));
        let resume_token = self.origin.token(self.position);
        self.push(Part::Heartbeat(WatchHeartbeat { resume_token, time }));
    }
}

impl<V: View> Opened<V::Message> for Watcher<V> {
    fn messages(self: Box<Self>) -> BoxStream<'static, Result<V::Message, Status>> {
        let next = async |mut watcher: Box<Self>| {
            let next = watcher.next().await?;
            Some((next.map(|out| out.message(watcher.origin)), watcher))
        };
        unfold(self, next).boxed()
    }

    fn frames(self: Box<Self>) -> BoxStream<'static, Result<Bytes, Status>> {
        let next = async |mut watcher: Box<Self>| {
            let next = watcher.next().await?;
            Some((next.map(|out| out.frame(watcher.origin)), watcher))
        };
        unfold(self, next).boxed()
    }
}
