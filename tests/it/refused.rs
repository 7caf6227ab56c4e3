//! A router that refuses, driven by hand.

use bellwether_client::WatchEvent;
use bellwether_proto::executor::v1::{
    AdvanceRolloutRequest, GetRolloutRequest, Rollout, StartRolloutRequest, rollout::State,
};
use bellwether_tests::{
    hands::Hands,
    shop::is_over,
    stack::{Setup, Stack},
    wait::{DEADLINE, until},
};
use tokio::time::timeout;

use super::{
    PROGRAM, many,
    observe::{at, fleet_of},
    stage::{code, seconds},
};

const TARGET: &str = "app-0@test";
const WHY: &str = "no-such-pool";

/// A canary that stays at half of the traffic until it is pushed on.
fn canary(version: &str) -> StartRolloutRequest {
    let mut request = many::rollout(0, version, many::canary(true));
    request.strategy.as_mut().unwrap().bake = many::bake(600_000, true);
    request
}

async fn get(stack: &Stack, name: &str) -> Rollout {
    let request = GetRolloutRequest { name: name.to_owned() };
    stack.executor().get_rollout(request).await.unwrap().into_inner().rollout.unwrap()
}

async fn rollout_until(stack: &Stack, name: &str, what: &str, is_it: impl Fn(&Rollout) -> bool) -> Rollout {
    let found = until(what, || async { Some(get(stack, name).await).filter(&is_it) }).await;
    match found {
        Ok(found) => found,
        Err(error) => panic!("{error}: {:#?}", get(stack, name).await),
    }
}

/// When the router refused, and the rollout as it was taken back.
async fn refusals(watch: &mut bellwether_client::Watch<Rollout>, name: &str) -> (Vec<f64>, Rollout) {
    let mut times = Vec::new();
    let following = async {
        loop {
            let WatchEvent::Changed { change, resource } = watch.next().await.unwrap() else { continue };
            if resource.name != name {
                continue;
            }
            if change.fact == "ROLLOUT_ROUTE_REFUSED" {
                times.push(seconds(change.time.as_ref()));
            }
            if change.fact == "ROLLOUT_ROLLBACK_STARTED" {
                return resource;
            }
        }
    };
    let back = timeout(DEADLINE, following).await.unwrap();
    (times, back)
}

fn percent(shares: &[bellwether_proto::executor::v1::Share], fleet: &str) -> f64 {
    shares.iter().find(|it| it.fleet == fleet).map_or(0.0, |it| it.percent)
}

/// It was asked five times, with longer and longer pauses, and is taken back for what the router said.
fn given_up(times: &[f64], back: &Rollout) {
    assert_eq!((back.state(), code(back)), (State::RollingBack, "ROUTE_REFUSED"), "{back:#?}");
    let reason = back.reason.as_ref().unwrap();
    assert!(reason.values["error"].contains(WHY) && reason.values["attempts"] == "5", "{reason:#?}");
    assert_eq!(times.len(), 5, "{times:?}");
    let pauses: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    // half of what they are at least, as a busy machine takes its time to write a refusal down
    let longer = pauses.iter().zip([0.08, 0.16, 0.32, 0.64]).all(|(pause, least)| *pause >= least);
    assert!(longer, "{pauses:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r37_a_router_that_refuses_is_asked_again_and_then_the_rollout_is_taken_back() {
    let stack = Stack::start(Setup::four(PROGRAM).on_fake()).await.unwrap();
    many::serving(&stack, 1).await;
    let hands = Hands::on(&stack);
    let mut facts = many::watch(&stack);
    while !matches!(facts.next().await.unwrap(), WatchEvent::Current) {}

    // before it has any traffic
    hands.refuse_routes(TARGET, Some(WHY)).await.unwrap();
    let before = hands.state(TARGET).await.unwrap();
    let name = many::start(&stack, canary("2")).await.name;
    let refused = rollout_until(&stack, &name, "it waits for the route", |it| {
        it.waiting_on.iter().any(|it| it.kind == "ROUTE")
    });
    let refused = refused.await;
    let fleet = fleet_of(&refused);
    assert_eq!(percent(&refused.split_wanted, &fleet), 50.0, "{refused:#?}");
    assert_eq!(percent(&refused.split_observed, &fleet), 0.0, "as read back, not as wished: {refused:#?}");
    let (times, back) = refusals(&mut facts, &name).await;
    given_up(&times, &back);
    let ended = rollout_until(&stack, &name, "it is taken back", |it| is_over(it.state())).await;
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    assert_eq!(hands.state(TARGET).await.unwrap()["splits"], before["splits"], "no traffic moved");

    // with half of it: the way back is refused as well, and asked for until it is taken
    hands.refuse_routes(TARGET, None).await.unwrap();
    let name = many::start(&stack, canary("3")).await.name;
    let half = rollout_until(&stack, &name, "it has half", |it| at(it) == ("BAKE", 50.0)).await;
    hands.refuse_routes(TARGET, Some(WHY)).await.unwrap();
    let request = AdvanceRolloutRequest {
        name: name.clone(),
        reason: "good enough".to_owned(),
        expected_step_index: half.step_index,
        ..Default::default()
    };
    stack.executor().advance_rollout(request).await.unwrap();
    let (times, back) = refusals(&mut facts, &name).await;
    given_up(&times, &back);
    let stuck = get(&stack, &name).await;
    assert_eq!((stuck.state(), percent(&stuck.split_wanted, &fleet_of(&half))), (State::RollingBack, 0.0));
    assert_eq!(percent(&stuck.split_observed, &fleet_of(&half)), 50.0, "as read back: {stuck:#?}");
    hands.refuse_routes(TARGET, None).await.unwrap();
    let ended = rollout_until(&stack, &name, "it is taken back", |it| is_over(it.state())).await;
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    let after = hands.state(TARGET).await.unwrap();
    assert_eq!(after["split"], before["split"], "{after:#}");
    assert_eq!(after["served_unready"], 0);
}
