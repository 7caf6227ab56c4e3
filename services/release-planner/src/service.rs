//! Putting the planner together.

use std::sync::Arc;

use bellwether_clock::{Env, spawn};
use bellwether_journal::Journal;
use bellwether_plan::EnvironmentId;
use bellwether_proto::planner::v1::{
    self as pb, release_planner_service_server::ReleasePlannerServiceServer,
};
use bellwether_resource::{Aggregate, Call, Decision, LoadError, TransactError};
use bellwether_server::Shutdown;
use tokio::task::JoinHandle;

use crate::{
    Config,
    api::PlannerApi,
    book::{EnvironmentEvent, Environments, Stores, built_in},
    engine::{self, planner_itself},
    executor::Executor,
    planner::Planner,
};

/// The largest request that is read.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// A planner, ready to be served.
#[derive(Debug)]
pub struct ReleasePlanner {
    planner: Planner,
    engine: JoinHandle<()>,
}

/// A planner could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The journal could not be replayed.
    #[error("the planner's journal cannot be replayed")]
    Load(#[from] LoadError),
    /// The environments that exist from the start could not be kept.
    #[error("the first environments cannot be kept")]
    Environments(#[source] Box<dyn std::error::Error + Send + Sync>),
}

// === impl ReleasePlanner ===

impl ReleasePlanner {
    /// Replays the journal and goes on with everything that is in it, until `shutdown`.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(
        config: Config,
        journal: Arc<dyn Journal>,
        env: Env,
        shutdown: Shutdown,
    ) -> Result<Self, StartError> {
        let stores = Stores::load(journal, env).await?;
        first_environments(&stores).await?;
        let planner = Planner::new(stores, Executor::new(config.executor));
        let engine = spawn("release planner", engine::run(planner.clone(), shutdown));
        Ok(Self { planner, engine })
    }

    /// The service to register with a server.
    pub fn service(
        &self,
    ) -> ReleasePlannerServiceServer<impl pb::release_planner_service_server::ReleasePlannerService> {
        ReleasePlannerServiceServer::new(PlannerApi::new(self.planner.clone()))
            .max_decoding_message_size(MOST_BYTES)
    }

    /// Returns once the engine has stopped, after `shutdown`.
    pub async fn stopped(self) {
        if let Err(error) = self.engine.await {
            tracing::error!(%error, "the planner's engine ended badly");
        }
    }
}

/// Development, staging and production, in a journal that has no environment yet.
async fn first_environments(stores: &Stores) -> Result<(), StartError> {
    if !stores.environments.all().is_empty() {
        return Ok(());
    }
    for (id, environment) in built_in() {
        apply(stores, &id, environment).await.map_err(|error| StartError::Environments(Box::new(error)))?;
    }
    Ok(())
}

async fn apply(
    stores: &Stores,
    id: &EnvironmentId,
    environment: pb::Environment,
) -> Result<(), TransactError<std::convert::Infallible>> {
    let environment = Box::new(environment);
    let event = EnvironmentEvent::Applied { environment, generation: 1, by: planner_itself() };
    let stream = format!("{}{id}", Environments::PREFIX);
    let decide = move |_: &_, _| Ok(Decision::new(vec![event]));
    stores.environments.transact(&stream, Call::internal(), decide).await.map(drop)
}
