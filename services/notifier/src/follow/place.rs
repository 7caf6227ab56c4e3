//! Where a follower is in its stream.

use std::time::Duration;

use bellwether_client::Backoff;
use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::Context;
use crate::{
    message::Message,
    outbox::{Cursor, OutboxError},
};

/// Where a follower is in its stream, durably.
pub(super) struct Place {
    context: Context,
    stream: &'static str,
    kept: Kept,
    /// Facts passed since the last commit that made no message.
    passed: u32,
    backoff: Backoff,
}

/// As it is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    /// Where to go on; empty: nowhere yet.
    token: String,
    /// Everything up to this time of the source has been told.
    told: Timestamp,
}

/// The outbox can no longer be written: following ends.
#[derive(Debug)]
pub(super) struct Lost;

/// After so many facts without a message the place is kept all the same.
const MOST_PASSED: u32 = 500;
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

// === impl Place ===

impl Place {
    /// The place kept for `stream`. Where there is none, what happened before now is nobody's news.
    pub(super) async fn open(context: Context, stream: &'static str) -> Result<Self, Lost> {
        let backoff = Backoff::new(context.env.clone(), FIRST, LONGEST);
        let unread = Kept { token: String::new(), told: context.env.now() };
        let mut place = Self { context, stream, kept: unread, passed: 0, backoff };
        match place.context.outbox.cursor(stream).await {
            Ok(Some(kept)) => match serde_json::from_str(&kept) {
                Ok(kept) => place.kept = kept,
                Err(error) => tracing::error!(stream, %error, "the cursor cannot be read; starting anew"),
            },
            Ok(None) => place.keep(None).await?,
            Err(error) => return Err(place.lost(&error)),
        }
        Ok(place)
    }

    pub(super) fn token(&self) -> &str {
        &self.kept.token
    }

    /// Everything up to this time of the source has been told.
    pub(super) fn told(&self) -> Timestamp {
        self.kept.told
    }

    /// Passes a fact: tells it, where there is something to tell, and moves on.
    pub(super) async fn pass(
        &mut self,
        message: Option<Message>,
        token: &str,
        time: Timestamp,
    ) -> Result<(), Lost> {
        token.clone_into(&mut self.kept.token);
        self.kept.told = self.kept.told.max(time);
        self.passed += 1;
        if message.is_some() || self.passed >= MOST_PASSED {
            return self.keep(message).await;
        }
        Ok(())
    }

    /// Tells what was found in a snapshot; the place stays until the snapshot is complete.
    pub(super) async fn tell(&mut self, message: Message) -> Result<(), Lost> {
        self.keep(Some(message)).await
    }

    /// Moves on where nothing has happened; kept when that saves reading something again.
    pub(super) async fn rest_at(&mut self, token: &str) -> Result<(), Lost> {
        let is_due = self.passed > 0 || self.kept.token.is_empty();
        token.clone_into(&mut self.kept.token);
        if is_due { self.keep(None).await } else { Ok(()) }
    }

    /// Commits message and place together; goes on trying while the disk is full.
    async fn keep(&mut self, message: Option<Message>) -> Result<(), Lost> {
        let token = serde_json::to_string(&self.kept).unwrap_or_default();
        let cursor = Cursor { stream: self.stream.to_owned(), token };
        loop {
            match self.context.outbox.ingest(message.as_ref(), &cursor).await {
                Ok(()) => break,
                Err(error) if error.is_temporary() => self.pause(&error).await?,
                Err(error) => return Err(self.lost(&error)),
            }
        }
        self.passed = 0;
        self.backoff.reset();
        Ok(())
    }

    /// Waits before something is tried again.
    ///
    /// # Errors
    /// When the process ends meanwhile.
    pub(super) async fn pause(&mut self, error: &(dyn std::error::Error + Sync)) -> Result<(), Lost> {
        let pause = self.backoff.pause(None);
        tracing::warn!(stream = self.stream, %error, ?pause, "trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = self.context.shutdown.triggered() => Err(Lost),
        }
    }

    fn lost(&self, error: &OutboxError) -> Lost {
        if !self.context.shutdown.is_triggered() {
            let error = error as &dyn std::error::Error;
            tracing::error!(stream = self.stream, error, "following ends: the outbox cannot be used");
        }
        Lost
    }
}
