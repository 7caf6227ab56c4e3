//! The environments that exist from the start.

use bellwether_plan::EnvironmentId;
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{Aggregate, Call, Decision, TransactError};

use crate::{
    book::{EnvironmentEvent, Environments, Stores, built_in},
    engine::planner_itself,
};

type Kept = Result<(), TransactError<std::convert::Infallible>>;

/// Development, staging and production, in a journal that never had one of them. One that was removed stays away.
pub(crate) async fn first_environments(stores: &Stores) -> Kept {
    for (id, environment) in built_in() {
        let known = stores.environments.get(&format!("{}{id}", Environments::PREFIX)).is_some();
        if !known {
            apply(stores, &id, environment).await?;
        }
    }
    Ok(())
}

async fn apply(stores: &Stores, id: &EnvironmentId, environment: pb::Environment) -> Kept {
    let environment = Box::new(environment);
    let event = EnvironmentEvent::Applied { environment, generation: 1, by: planner_itself() };
    let stream = format!("{}{id}", Environments::PREFIX);
    let decide = move |_: &_, _| Ok(Decision::new(vec![event]));
    stores.environments.transact(&stream, Call::internal(), decide).await.map(drop)
}
