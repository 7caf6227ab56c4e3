//! Committing what follows, until nothing follows any more.

use bellwether_clock::Timestamp;
use bellwether_plan::{ApplicationId, ReleaseEvent, ReleaseId};
use bellwether_resource::{Aggregate, Call, Decision, Store, TransactError};

use super::{
    evaluate::{Change, evaluate},
    replan::{Foreseen, Replan},
};
use crate::{
    book::{ApplicationEvent, HoldEvent},
    planner::Planner,
};

/// More rounds than a settled state can need: something contradicts itself, and the next wake-up tries again.
const ROUNDS: usize = 64;

/// An event of the engine could not be committed.
#[derive(Debug, thiserror::Error)]
#[error("what follows could not be committed")]
pub(crate) struct SettleError(#[source] Box<dyn std::error::Error + Send + Sync>);

/// No decision of the engine refuses.
type Never = std::convert::Infallible;

// === impl Planner ===

impl Planner {
    /// Commits everything that follows now. When to look again although nothing has happened.
    pub(crate) async fn settle(&self) -> Result<Option<Timestamp>, SettleError> {
        let begun = self.now();
        let mut foreseen = Foreseen::new();
        for _ in 0..ROUNDS {
            let turn = self.turn().await;
            let book = turn.book().clone();
            match self.replan(&book, &foreseen) {
                Replan::Nothing => {}
                Replan::Foresee(releases) => {
                    drop(turn);
                    self.foresee_all(&book, releases, &mut foreseen).await;
                    continue;
                }
                Replan::Commit(id, event) => {
                    self.commit_release(&id, vec![event]).await?;
                    continue;
                }
            }
            let outcome = evaluate(&book, self.now(), || self.env().uuid().to_string());
            if outcome.changes.is_empty() {
                self.metrics().settled(&book, self.env().since(begun));
                return Ok(outcome.look_at);
            }
            for change in outcome.changes {
                match change {
                    Change::Release(id, events) => self.commit_release(&id, events).await?,
                    Change::Hold(id, event) => self.commit_hold(&id, event).await?,
                }
            }
            drop(turn);
        }
        tracing::error!("what follows does not come to an end");
        Ok(None)
    }

    pub(super) async fn commit_release(
        &self,
        id: &ReleaseId,
        events: Vec<ReleaseEvent>,
    ) -> Result<(), SettleError> {
        commit(&self.stores().releases, id.as_str(), events).await
    }

    pub(super) async fn commit_hold(&self, id: &str, event: HoldEvent) -> Result<(), SettleError> {
        commit(&self.stores().holds, id, vec![event]).await
    }

    pub(super) async fn commit_application(
        &self,
        id: &ApplicationId,
        events: Vec<ApplicationEvent>,
    ) -> Result<(), SettleError> {
        commit(&self.stores().applications, id.as_str(), events).await
    }
}

/// Commits what the engine has found out.
async fn commit<A: Aggregate>(store: &Store<A>, id: &str, events: Vec<A::Event>) -> Result<(), SettleError> {
    let decide = move |_: &_, _| Ok::<_, Never>(Decision::new(events));
    let stream = format!("{}{id}", A::PREFIX);
    store.transact(&stream, Call::internal(), decide).await.map(drop).map_err(SettleError::from)
}

// === impl SettleError ===

impl From<TransactError<Never>> for SettleError {
    fn from(error: TransactError<Never>) -> Self {
        Self(Box::new(error))
    }
}

impl From<SettleError> for tonic::Status {
    fn from(error: SettleError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "an outcome could not be committed");
        bellwether_resource::error::STORAGE_FAILED.because("what follows could not be committed").into()
    }
}
