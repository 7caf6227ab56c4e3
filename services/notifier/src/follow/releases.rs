//! The planner's releases.

use bellwether_client::{Transport, Watch};
use bellwether_proto::{
    common::v1::{Change, Metadata},
    planner::v1::{
        Release, WatchReleasesRequest, release::State,
        release_planner_service_client::ReleasePlannerServiceClient,
    },
};
use serde_json::json;

use super::{
    Context,
    place::{Lost, Place},
    stream::{self, Tell},
};
use crate::{facts, message::Message};

struct Releases;

pub(super) async fn follow(context: Context, transport: Transport) {
    let client = ReleasePlannerServiceClient::new(transport);
    let watch = Watch::new(context.env.clone(), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_releases(WatchReleasesRequest { filter: String::new(), resume_token }).await }
    });
    stream::follow(context, "planner/releases", watch, Releases).await;
}

// === impl Releases ===

impl Tell for Releases {
    type Resource = Release;

    fn metadata(release: &Release) -> Option<&Metadata> {
        release.metadata.as_ref()
    }

    async fn changed(
        &mut self,
        change: &Change,
        release: &Release,
        _: &mut Place,
    ) -> Result<Option<Message>, Lost> {
        Ok(facts::releases::of(change, release))
    }

    /// Where it stands in the environment that decides where it stands as a whole: the last one it has reached.
    fn standing(release: &Release) -> Option<Change> {
        if release.state() == State::RollingOut {
            return None;
        }
        let stage = facts::releases::reached(release)?;
        let data = json!({ "environment": stage.environment });
        let (fact, fact_json) = ("RELEASE_MOVED".to_owned(), data.to_string());
        Some(Change { fact, fact_json, ..Change::default() })
    }
}
