//! What is changed on the platform past the executor.

use bellwether_client::ApiError;
use bellwether_proto::{
    agent::v1::{DesiredRoute, Fence, ObserveRequest, Observed, RouteRequest},
    executor::v1::{Share, Target, resolve_interruption_request::Resolution, rollout::State},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    process::signal_id,
    shop::{Release, millis},
    wait::until,
};
use rustix::process::Signal;
use tonic::Code;

use super::{
    observe::{fleet_of, ids, stable_of},
    stage::{ready, routed, share_of, stage},
};

async fn observed(app: &App<'_>) -> Observed {
    let request = ObserveRequest { target: app.target_name() };
    app.stack.agent().unwrap().observe(request).await.unwrap().into_inner().observed.unwrap()
}

/// Routes half of the traffic to each of two fleets, as somebody who knows what the executor calls itself.
async fn route_by_hand(app: &App<'_>, fleets: [&str; 2]) {
    let share = |fleet: &str| Share { fleet: fleet.to_owned(), percent: 50.0 };
    let split: Vec<Share> = fleets.map(share).to_vec();
    let mut journal_id = "nobody".to_owned();
    // the executor may ask for something at the same time
    for _ in 0..50 {
        let seen = observed(app).await;
        let revision = seen.route.unwrap().revision + 1;
        let (epoch, generation) = (seen.epoch, seen.generation.max(seen.route_generation));
        let request = RouteRequest {
            fence: Some(Fence { journal_id: journal_id.clone(), epoch, generation }),
            target: app.target_name(),
            route: Some(DesiredRoute { revision, split: split.clone(), ..Default::default() }),
        };
        match app.stack.agent().unwrap().route(request).await {
            Ok(answer) => {
                let mut got = answer.into_inner().route.unwrap().split;
                got.sort_by_key(|it| split.iter().position(|wanted| wanted.fleet == it.fleet));
                assert_eq!(got, split);
                return;
            }
            Err(refused) => {
                let refused = ApiError::from(refused);
                let known = ["TARGET_FOREIGN", "FENCE_STALE"].contains(&refused.reason.as_str());
                assert!(known, "{refused:?}");
                journal_id = refused.values["journal_id"].clone();
            }
        }
    }
    panic!("it is always overtaken");
}

/// One of the instances that serve is killed: another one takes its place, and that is no contest.
async fn a_killed_instance_comes_back(app: &App<'_>, fleet: &str) {
    let processes = app.processes(fleet);
    signal_id(processes[0], Signal::KILL).unwrap();
    let back = app.target_until("it is back", |it| {
        let killed = |exit: &bellwether_proto::executor::v1::InstanceExit| exit.signal == Some(9);
        let told = it.instance_states.iter().any(|it| it.last_exit.as_ref().is_some_and(killed));
        told && ready(&it.instance_states, fleet) == 2
    });
    let back = back.await.unwrap();
    assert_eq!(ids(&back.instance_states, fleet).len(), 2);
    let now = app.processes(fleet);
    assert!(now.len() == 2 && !now.contains(&processes[0]) && now.contains(&processes[1]), "{now:?}");
    assert!(back.needs_operator.is_none(), "{back:#?}");
}

fn alone(target: &Target, fleet: &str) -> bool {
    share_of(target, fleet) == 100.0 && target.needs_operator.is_none()
}

/// Until the gateway itself says that this fleet has everything.
async fn serves_alone(app: &App<'_>, fleet: &str) {
    let whole = Share { fleet: fleet.to_owned(), percent: 100.0 };
    let right = || async { (routed(app).await.split == [whole.clone()]).then_some(()) };
    until("the route is as it was", right).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r46_what_is_changed_by_hand_is_corrected_once_and_then_contested() {
    let stack = stage().await;
    let keep = |it: &mut Deployment| it.policy.as_mut().unwrap().keep = millis(600_000);
    let app = App::serving(&stack, "drifts", 2, keep).await.unwrap();
    let old = stable_of(&app.target().await.unwrap());
    let name = app.submit(&Release::unjudged("2")).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    let fleet = fleet_of(&ended);
    a_killed_instance_comes_back(&app, &fleet).await;

    let load = app.load(60);
    route_by_hand(&app, [&fleet, &old]).await;
    serves_alone(&app, &fleet).await;
    app.target_until("it is corrected", |it| alone(it, &fleet)).await.unwrap();

    route_by_hand(&app, [&fleet, &old]).await;
    let asks = app.target_until("it asks", |it| it.needs_operator.is_some()).await.unwrap();
    let reason = asks.needs_operator.as_ref().unwrap();
    assert_eq!((reason.code.as_str(), share_of(&asks, &old)), ("DRIFT_CONTESTED", 50.0), "{reason:?}");
    let third = app.submit(&Release::unjudged("3")).await.unwrap();
    assert_eq!(app.refused(&third).await.unwrap(), "DRIFT_CONTESTED");
    assert_eq!(routed(&app).await.split.len(), 2, "it is not fought over");
    let refused = app.start_by_hand(&Release::unjudged("4")).await.unwrap_err();
    let code = refused.downcast_ref::<tonic::Status>().map(tonic::Status::code);
    assert_eq!(code, Some(Code::FailedPrecondition), "{refused:?}");

    app.resolve(&app.target_name(), Resolution::Retry).await.unwrap();
    serves_alone(&app, &fleet).await;
    app.target_until("it is well", |it| alone(it, &fleet)).await.unwrap();
    let name = app.submit(&Release::unjudged("5")).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "it goes on: {ended:#?}");
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}
