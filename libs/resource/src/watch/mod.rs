//! Watch: the stream of a kind of resource, the same in every service.
//!
//! # Expected flow
//! `snapshot`… → `current` → `changed` or `deleted`…, with a `heartbeat` after five seconds without anything else. With
//! a token of an earlier stream: what came after it, then `current`, and so on.
//!
//! # Guarantees
//! - No gap and no repetition, in the journal's order, across reconnects and restarts.
//! - A token that is expired, foreign, of another filter or ahead of the journal is answered by `reset` and a new
//!   snapshot in the same stream.
//! - A change comes with the resource as it was right after it, or as it is by now when the reader is behind. For one
//!   resource an older state never follows a newer one.
//! - Whatever many readers are told alike is worked out and encoded once ([`WatchStream::respond`]).
//! - A slow reader costs one page of memory: events older than the recent ones kept for everybody are read from the
//!   journal at the reader's pace.
//! - When the server stops, or loses its journal, the stream sends a heartbeat with its last token and ends UNAVAILABLE.

mod follower;
mod frame;
mod out;
mod resume;
mod stream;
mod told;
mod view;
mod watcher;

pub(crate) use follower::follow;
pub use stream::{Frames, WatchStream};
pub(crate) use told::{Progress, Told};
pub use view::{Changed, Part, View};

use std::future::Future;

use futures::FutureExt as _;

use self::watcher::Watcher;
use crate::{Filter, Store, Violations, error::Problem};

const TOKEN: usize = 512;

// === impl Store ===

impl<A: crate::Aggregate> Store<A> {
    /// Follows this kind of resource through `view`, from `resume_token` on (empty: from a snapshot), until `ended`
    /// says that the server stops.
    ///
    /// # Errors
    /// `INVALID_FIELDS` for a filter that is malformed or not on the view's fields.
    pub fn watch<V>(
        &self,
        view: V,
        filter: &str,
        resume_token: &str,
        ended: impl Future<Output = ()> + Send + 'static,
    ) -> Result<WatchStream<V::Message>, Problem>
    where
        V: View<Aggregate = A>,
    {
        let mut violations = Violations::new();
        let filter = Filter::read(&mut violations, filter, V::FIELDS);
        violations.text("resume_token", resume_token, 0..=TOKEN);
        violations.finish()?;
        let watcher = Watcher::new(self.clone(), view, filter, resume_token, ended.boxed());
        Ok(WatchStream::new(watcher))
    }
}
