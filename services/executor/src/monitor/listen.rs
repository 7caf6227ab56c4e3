//! The way of a verdict: to a decision, at once.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1 as pb;
use bellwether_rollout::Input;
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{Instrument as _, info_span};

use crate::{
    convert::{self, Which},
    record::Note,
    shell::{Executor, State},
};

/// How often the numbers of a recovery are kept while nothing is decided.
const NUMBERS: Duration = Duration::from_secs(60);

/// Decides on each verdict of a target, in the order in which they came, until the process ends.
pub(crate) async fn run(
    executor: &Executor,
    state: State,
    mut verdicts: UnboundedReceiver<Box<pb::Verdict>>,
) {
    let mut numbers = None;
    while let Some(given) = verdicts.recv().await {
        if given.sequence == 0 && !due(executor, &mut numbers) {
            continue;
        }
        let (analysis, decision) = (given.analysis.clone(), given.decision());
        let Some((input, note)) = read(&state, given) else { continue };
        let span = info_span!("verdict", %analysis, ?decision);
        executor.continue_trace(&span, &state.borrow());
        executor.deliver(&state, input, note).instrument(span).await;
    }
}

/// Whether the numbers of a refresh are to be kept.
fn due(executor: &Executor, kept: &mut Option<Timestamp>) -> bool {
    let due = kept.is_none_or(|at| executor.env().since(at) >= NUMBERS);
    if due {
        *kept = Some(executor.env().now());
    }
    due
}

/// None: it says nothing that this build knows.
fn read(state: &State, given: Box<pb::Verdict>) -> Option<(Input, Note)> {
    let (rollout, which) = convert::analysis_of(&given.analysis)?;
    let entry = state.borrow();
    let nothing = pb::HealthPolicy::default();
    let policy = entry.state.rollout(rollout).map_or(&nothing, |record| &record.asked.health);
    let Some(verdict) = convert::verdict(&given, policy).map(Box::new) else {
        tracing::warn!(analysis = %given.analysis, "a verdict that says nothing is ignored");
        return None;
    };
    Some(match which {
        Which::Recovery(_) => (Input::Recovery(verdict), Note::default()),
        Which::Candidate(_) => (Input::Verdict(verdict), Note { verdict: Some(given), ..Note::default() }),
    })
}
