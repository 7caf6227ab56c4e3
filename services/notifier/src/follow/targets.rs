//! The executor's targets.

use bellwether_client::{Transport, Watch};
use bellwether_proto::{
    common::v1::{Change, Metadata},
    executor::v1::{Target, WatchTargetsRequest, executor_service_client::ExecutorServiceClient},
};

use super::{
    Context,
    place::{Lost, Place},
    stream::{self, Tell},
};
use crate::{facts, message::Message};

struct Targets;

pub(super) async fn follow(context: Context, transport: Transport) {
    let client = ExecutorServiceClient::new(transport);
    let watch = Watch::new(context.env.clone(), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_targets(WatchTargetsRequest { filter: String::new(), resume_token }).await }
    });
    stream::follow(context, "executor/targets", watch, Targets).await;
}

// === impl Targets ===

impl Tell for Targets {
    type Resource = Target;

    fn metadata(target: &Target) -> Option<&Metadata> {
        target.metadata.as_ref()
    }

    async fn changed(
        &mut self,
        change: &Change,
        target: &Target,
        _: &mut Place,
    ) -> Result<Option<Message>, Lost> {
        Ok(facts::targets::of(change, target))
    }

    /// Only what waits for a person: everything else of a target is told by its rollouts.
    fn standing(target: &Target) -> Option<Change> {
        let fact = match (target.taken_over, &target.needs_operator) {
            (true, _) => "TARGET_TAKEN_OVER",
            (false, Some(_)) => "TARGET_NEEDS_OPERATOR",
            (false, None) => return None,
        };
        Some(Change { fact: fact.to_owned(), ..Change::default() })
    }
}
