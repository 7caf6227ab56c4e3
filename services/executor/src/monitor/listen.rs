//! The way of a verdict: to a decision, at once.

use bellwether_proto::monitor::v1 as pb;
use bellwether_rollout::{Decision, Input, verdict::COMMON_MODE};
use tokio::sync::mpsc::UnboundedReceiver;
use tracing::{Instrument as _, info_span};

use crate::{
    convert,
    record::Note,
    shell::{Executor, State},
};

/// Decides on each verdict of a target, in the order in which they came, until the process ends.
pub(crate) async fn run(
    executor: &Executor,
    state: State,
    mut verdicts: UnboundedReceiver<Box<pb::Verdict>>,
) {
    while let Some(given) = verdicts.recv().await {
        let Some(mut verdict) = convert::verdict(&given) else {
            tracing::warn!(analysis = %given.analysis, "a verdict that says nothing is ignored");
            continue;
        };
        let analysis = given.analysis.clone();
        let mut note = Note { verdict: Some(given), ..Note::default() };
        if verdict.decision == Decision::Error {
            note.incident = executor.common_mode().lost(&state.borrow().stream, executor.env());
            if note.incident.is_some() {
                // a source that several targets lose together says nothing against any of them
                COMMON_MODE.clone_into(&mut verdict.reason.code);
            }
        }
        let span = info_span!("verdict", %analysis, decision = ?verdict.decision);
        executor.continue_trace(&span, &state.borrow());
        let input = Input::Verdict(Box::new(verdict));
        executor.deliver(&state, input, note).instrument(span).await;
    }
}
