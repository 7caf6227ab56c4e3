//! Traffic is moved with every service dead.

use bellwether_proto::executor::v1::rollout::State;
use bellwether_tests::{
    shop::{self, Release},
    stack::Stack,
    wait::until,
};

use super::{
    PROGRAM,
    observe::{at, fleet_of, stable_of, target},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r40_an_emergency_route_holds_until_it_is_handed_back() {
    let mut stack = Stack::up(PROGRAM).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, 100).await.unwrap();
    let slow = Release::endless("2");
    let name = shop::submit(&stack, "shop", &slow).await.unwrap();
    let baking = shop::rollout_until(&stack, &name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    stack.process().kill().unwrap();

    let route = ["emergency", "route", "shop@test", "--stable", "100", "-m", "all is dead"];
    let (code, out, errors) = stack.cli(&route).await.unwrap();
    assert_eq!(code, 0, "{errors}");
    assert!(out.contains("taken over"), "{out}");
    let answers = |version: &str| load.tally().versions[version].answers;
    let seen = answers("2");
    let before = answers("1");
    until("stable serves", || async { (answers("1") > before + 200).then_some(()) }).await.unwrap();
    // what was under way when the route changed may still have come
    assert!(answers("2") <= seen + 20, "{seen} and then {}", answers("2"));

    stack.up_again().await.unwrap();
    let asks = shop::rollout_until(&stack, &name, |it| it.state() == State::NeedsOperator).await.unwrap();
    assert!(asks.traffic_safe, "{asks:#?}");
    let taken = target(&stack).await;
    assert!(taken.taken_over, "{taken:#?}");
    let during = answers("2");
    let (code, _, errors) =
        stack.cli(&["resolve", "shop@test", "hand-back", "-m", "all is well"]).await.unwrap();
    assert_eq!(code, 0, "{errors}");
    let ended = shop::rollout_until(&stack, &name, |it| it.end_time.is_some()).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "never back to the candidate's share: {ended:#?}");
    assert_eq!(answers("2"), during, "nothing went to the candidate meanwhile");
    let after = target(&stack).await;
    assert!(!after.taken_over);
    assert_ne!(stable_of(&after), fleet_of(&baking));
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}
