//! A target's place in the running process: its newest state, for everybody who acts on it.

use std::sync::Arc;

use bellwether_proto::monitor::v1 as monitor;
use tokio::sync::{mpsc, watch};

use crate::targets::TargetEntry;

/// What the tasks of a target share.
pub(crate) struct Seat {
    state: watch::Sender<Arc<TargetEntry>>,
    verdicts: mpsc::UnboundedSender<Box<monitor::Verdict>>,
}

/// The receiving end, for the target's own task.
pub(crate) struct Ends {
    /// Its newest state.
    pub(crate) state: State,
    /// Its verdicts, in the order in which they came.
    pub(crate) verdicts: mpsc::UnboundedReceiver<Box<monitor::Verdict>>,
}

/// The newest state; wakes whoever waits for another one.
pub(crate) type State = watch::Receiver<Arc<TargetEntry>>;

// === impl Seat ===

impl Seat {
    /// A seat with this state.
    pub(crate) fn new(entry: Arc<TargetEntry>) -> (Self, Ends) {
        let (state, states) = watch::channel(entry);
        // changes of a decision only: a handful in an analysis' life
        let (verdicts, received) = mpsc::unbounded_channel();
        (Self { state, verdicts }, Ends { state: states, verdicts: received })
    }

    /// Takes in a state, unless a newer one is there.
    pub(crate) fn publish(&self, entry: &Arc<TargetEntry>) {
        self.state.send_if_modified(|present| {
            let newer = entry.version > present.version;
            if newer {
                *present = entry.clone();
            }
            newer
        });
    }

    /// Hands a verdict to the target's task.
    pub(crate) fn judge(&self, verdict: Box<monitor::Verdict>) {
        // fails only when the task has ended with the process
        let _ = self.verdicts.send(verdict);
    }
}
