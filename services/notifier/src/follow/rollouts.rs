//! The executor's rollouts.

use bellwether_client::{ApiError, Transport, Watch};
use bellwether_proto::{
    common::v1::{Change, Metadata},
    executor::v1::{
        GetRolloutRequest, Rollout, WatchRolloutsRequest, executor_service_client::ExecutorServiceClient,
        pause, rollout::State,
    },
};
use tonic::Code;

use super::{
    Context,
    place::{Lost, Place},
    stream::{self, Tell},
};
use crate::{facts, message::Message};

type Client = ExecutorServiceClient<Transport>;

struct Rollouts {
    client: Client,
}

pub(super) async fn follow(context: Context, transport: Transport) {
    let client = Client::new(transport);
    let watching = client.clone();
    let watch = Watch::new(context.env.clone(), move |resume_token| {
        let mut client = watching.clone();
        async move { client.watch_rollouts(WatchRolloutsRequest { filter: String::new(), resume_token }).await }
    });
    stream::follow(context, "executor/rollouts", watch, Rollouts { client }).await;
}

// === impl Rollouts ===

impl Tell for Rollouts {
    type Resource = Rollout;

    fn metadata(rollout: &Rollout) -> Option<&Metadata> {
        rollout.metadata.as_ref()
    }

    async fn changed(
        &mut self,
        change: &Change,
        rollout: &Rollout,
        place: &mut Place,
    ) -> Result<Option<Message>, Lost> {
        let previous = match facts::rollouts::previous(change, rollout) {
            Some(name) => self.previous(&name, place).await?,
            None => None,
        };
        Ok(facts::rollouts::of(change, rollout, previous.as_ref()))
    }

    fn standing(rollout: &Rollout) -> Option<Change> {
        let by_policy = rollout.pauses.iter().any(|pause| pause.owner() == pause::Owner::Policy);
        let fact = match rollout.state() {
            State::Unspecified => return None,
            State::Pending => "ROLLOUT_ACCEPTED",
            State::Running if by_policy => "ROLLOUT_PAUSED",
            State::Running => "ROLLOUT_STEP_STARTED",
            State::RollingBack => "ROLLOUT_ROLLBACK_STARTED",
            State::Recovering => "ROLLOUT_RECOVERY_STARTED",
            State::NeedsOperator => "ROLLOUT_NEEDS_OPERATOR",
            State::Succeeded => "ROLLOUT_SUCCEEDED",
            State::RolledBack => "ROLLOUT_ROLLED_BACK",
            State::Superseded => "ROLLOUT_SUPERSEDED",
            State::Cancelled => "ROLLOUT_CANCELLED",
        };
        Some(Change { fact: fact.to_owned(), ..Change::default() })
    }
}

impl Rollouts {
    /// The rollout that made the previous fleet; none when retention has taken it.
    async fn previous(&mut self, name: &str, place: &mut Place) -> Result<Option<Rollout>, Lost> {
        loop {
            match self.client.get_rollout(GetRolloutRequest { name: name.to_owned() }).await {
                Ok(answer) => return Ok(answer.into_inner().rollout),
                Err(status) if status.code() == Code::NotFound => return Ok(None),
                Err(status) => place.pause(&ApiError::from(status)).await?,
            }
        }
    }
}
