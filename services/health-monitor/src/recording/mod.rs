//! What was counted around every rollout, second by second: for charts, post-mortems, and replays under another
//! policy.
//!
//! Every target is recorded for the last hour, so that there is a "before" when a rollout begins. A minute of it is
//! one row of a file of its own; the minutes around a rollout are kept for 400 days, the others for an hour. A crash
//! loses at most the minute that was under way: recordings show what happened, and decide nothing.

mod chronicle;
mod chunk;
mod impact;
mod probed;
mod readings;
mod replay;
mod sessions;
mod store;
mod story;
mod track;

pub use chronicle::follow;
pub use chunk::histogram;
pub use impact::impact;
pub use replay::{Question, replay};
pub use sessions::{Counted, Sessions};
pub use store::{RecordingError, Store};
pub use story::Story;

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bellwether_clock::Timestamp;
use bellwether_judge::{Batch, Readings};
use bellwether_proto::monitor::v1 as pb;
use tokio::sync::watch;

use chunk::Chunk;
use track::Track;

use crate::health::Vitality;

/// What is recorded before a rollout, and after it.
pub const AROUND: Duration = Duration::from_secs(3600);
/// Targets that are recorded; of more, those that are new are not.
const MOST_TARGETS: usize = 4_096;
/// Targets whose minutes are unpacked and written at a time.
const AT_ONCE: usize = 64;
/// A target without samples for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// Records every target.
#[derive(Debug)]
pub struct Recorder {
    tracks: Mutex<BTreeMap<String, Track>>,
    store: Store,
    vitality: Vitality,
    sessions: Sessions,
    /// Up to where the journal was written down.
    followed: watch::Sender<u64>,
}

// === impl Recorder ===

impl Recorder {
    /// Into this file, going on with what it knows.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn new(store: Store) -> Result<Self, RecordingError> {
        let vitality = Vitality::new(store.vitals().await?);
        let sessions = Sessions::default();
        Ok(Self { tracks: Mutex::default(), store, vitality, sessions, followed: watch::Sender::new(0) })
    }

    /// Where it is kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// How the targets are.
    pub fn vitality(&self) -> &Vitality {
        &self.vitality
    }

    /// The sessions of rollouts under way.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The sessions of a rollout; none: nobody told of any.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn sessions_of(&self, analysis: &str) -> Result<Option<Counted>, RecordingError> {
        // before the file is read: what is written meanwhile is in both
        let counted = self.sessions.of(analysis);
        let kept = self.store.sessions(analysis).await?;
        Ok(Counted::joined(counted, kept))
    }

    /// Keeps the sessions of rollouts; of those that are not `active` no more come.
    ///
    /// # Errors
    /// The file cannot be written; what is new is then kept the next time.
    pub async fn keep_sessions(&self, active: impl Fn(&str) -> bool + Send) -> Result<(), RecordingError> {
        for (analysis, counted) in self.sessions.unkept() {
            self.store.keep_sessions(&analysis, &counted).await?;
            self.sessions.kept(&analysis, &counted);
        }
        self.sessions.forget(active);
        Ok(())
    }

    /// The journal was written down up to here.
    fn followed(&self, position: u64) {
        self.followed.send_replace(position);
    }

    /// Waits until the journal is written down up to here.
    pub async fn caught_up(&self, position: u64) {
        // the sender lives as long as this
        _ = self.followed.subscribe().wait_for(|followed| *followed >= position).await;
    }

    /// Counts what is new in a batch of one target.
    pub fn observe(&self, target: &str, batch: &Batch, now: Timestamp) {
        self.on_track(target, now, |track| track.observe(batch, now));
    }

    /// Notes what was read of one target beside requests.
    pub fn read(&self, target: &str, readings: &Readings, now: Timestamp) {
        self.on_track(target, now, |track| track.read(readings, now));
    }

    /// Notes a run of a probe that reached one version of one target.
    pub fn tried(&self, target: &str, run: pb::RecordedProbe, now: Timestamp) {
        self.on_track(target, now, |track| track.tried(run, now));
    }

    fn on_track(&self, target: &str, now: Timestamp, note: impl FnOnce(&mut Track)) {
        let mut tracks = self.lock();
        if let Some(track) = tracks.get_mut(target) {
            return note(track);
        }
        if tracks.len() < MOST_TARGETS {
            note(tracks.entry(target.to_owned()).or_insert_with(|| Track::new(now)));
        }
    }

    /// Keeps the minutes that are over.
    ///
    /// # Errors
    /// The file cannot be written; those minutes are lost.
    pub async fn keep(&self, now: Timestamp) -> Result<(), RecordingError> {
        let (mut minutes, mut any, mut kept) = (Vec::new(), false, Ok(()));
        loop {
            let chunks = self.due(now, false);
            if chunks.is_empty() {
                break;
            }
            any = true;
            let of = |(target, chunk): &(String, Chunk)| {
                let minutes = chunk.minutes().map(|minute| (target.clone(), minute));
                minutes.collect::<Vec<_>>()
            };
            minutes.extend(chunks.iter().flat_map(of));
            // a part that cannot be written takes none of the others with it
            kept = kept.and(self.put(chunks).await);
        }
        if any {
            self.vitality.add(minutes);
        }
        kept
    }

    /// Keeps how the targets are.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn keep_vitals(&self, now: Timestamp) -> Result<(), RecordingError> {
        self.store.keep_vitals(self.vitality.rows(now)).await
    }

    /// Keeps everything, then closes the file.
    pub async fn close(&self, now: Timestamp) {
        loop {
            let chunks = self.due(now, true);
            if chunks.is_empty() {
                break;
            }
            if let Err(error) = self.put(chunks).await {
                tracing::error!(error = &error as &dyn std::error::Error, "the last minute is not recorded");
            }
        }
        if let Err(error) = self.keep_sessions(|_| true).await {
            tracing::error!(error = &error as &dyn std::error::Error, "the last sessions are not kept");
        }
        if let Err(error) = self.keep_vitals(now).await {
            tracing::error!(error = &error as &dyn std::error::Error, "how targets are is not kept");
        }
        self.store.close().await;
    }

    /// The seconds of a target from `from` until `until`, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn seconds(
        &self,
        target: &str,
        from: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<pb::RecordedSecond>, RecordingError> {
        // before the file is read: what is written meanwhile is in both, and what is in neither does not exist
        let counted: Vec<_> =
            self.lock().get(target).map(|track| track.seconds().collect()).unwrap_or_default();
        let span = from.as_second()..=until.as_second();
        let mut seconds = Vec::new();
        for value in self.store.chunks(target, &span).await? {
            seconds.extend(chunk::unpack(&value));
        }
        let mut seconds = joined(seconds, counted);
        seconds.retain(|second| span.contains(&second.unix_seconds));
        Ok(seconds)
    }

    /// The next minute that is over, or of any, of the next few targets that have one; none when nobody has.
    fn due(&self, now: Timestamp, all: bool) -> Vec<(String, Chunk)> {
        let mut tracks = self.lock();
        let seen = |track: &Track| now.duration_since(track.seen()).unsigned_abs() < FORGET_AFTER;
        tracks.retain(|_, track| !track.is_kept() || seen(track));
        let due = |(target, track): (&String, &mut Track)| Some((target.clone(), track.due(now, all)?));
        tracks.iter_mut().filter_map(due).take(AT_ONCE).collect()
    }

    /// Writes minutes, which are then no longer here; nor are those that cannot be written.
    async fn put(&self, chunks: Vec<(String, Chunk)>) -> Result<(), RecordingError> {
        let last: Vec<_> = chunks.iter().map(|(target, chunk)| (target.clone(), chunk.last)).collect();
        let done = self.store.put(chunks).await;
        let mut tracks = self.lock();
        for (target, last) in last {
            if let Some(track) = tracks.get_mut(&target) {
                track.kept(last);
            }
        }
        done
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Track>> {
        self.tracks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds from the file, then those that only were counted.
fn joined(mut kept: Vec<pb::RecordedSecond>, counted: Vec<pb::RecordedSecond>) -> Vec<pb::RecordedSecond> {
    let until = |last: &pb::RecordedSecond| last.unix_seconds.saturating_add(i64::from(last.seconds.max(1)));
    let end = kept.last().map_or(i64::MIN, until);
    kept.extend(counted.into_iter().filter(|second| second.unix_seconds >= end));
    kept
}

#[cfg(test)]
mod tests;
