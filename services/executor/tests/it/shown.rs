//! What a rollout shows of itself: how far it is, when it ends, what may be done, who holds it.

use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use pb::rollout::State;

use super::house::{House, canary, direct, span};

/// The commands that are offered, without the target.
fn offered(rollout: &pb::Rollout) -> Vec<String> {
    rollout.allowed_actions.iter().map(|it| it.command.replace(" shop@production", "")).collect()
}

fn pause(name: &str, reason: &str) -> pb::PauseRolloutRequest {
    pb::PauseRolloutRequest { name: name.into(), reason: reason.into(), ..Default::default() }
}

fn rounded(rollout: &pb::Rollout) -> i32 {
    rollout.progress_percent.round() as i32
}

#[tokio::test]
async fn progress_and_forecast_follow_the_state() {
    let mut house = House::silent().await;
    house.stable(2).await;
    for version in ["2", "3"] {
        let rollout = house.rollout(direct(version)).await;
        house.ended(&rollout.name).await;
    }
    let mut request = canary("4");
    request.policy.as_mut().unwrap().recovery_max = Some(span(60_000));
    let rollout = house.rollout(request).await;
    // Scale, Route, Bake at 10 % and 50 %, Scale, Route, Bake, Promote: the third of ten is at work
    let baking = house.at(&rollout.name, "BAKE", 10.0).await;
    assert_eq!((baking.step_index, baking.steps.len(), rounded(&baking)), (2, 10, 20));
    let forecast = baking.expected_end.clone().unwrap();
    assert_eq!(forecast.basis, "3 earlier rollouts of this target");
    let seconds = |it: Option<bellwether_proto::Timestamp>| it.unwrap().seconds;
    assert!(seconds(forecast.p50) <= seconds(forecast.p95));
    house.client.pause_rollout(pause(&rollout.name, "lunch")).await.unwrap();
    let paused = house.get(&rollout.name).await;
    assert_eq!((rounded(&paused), paused.expected_end), (20, None), "nobody knows when it goes on");

    house.world.script.recovery(None);
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Fail);
    let recovering = house.in_state(&rollout.name, State::Recovering).await;
    assert!((80..100).contains(&rounded(&recovering)), "{}", recovering.progress_percent);
    assert_eq!(recovering.expected_end, None);
    assert_eq!(recovering.waiting_on[0].kind, "RECOVERY");
    let recovery = format!("{}.recovery.1", rollout.name.replace("rollouts/", "analyses/"));
    house.world.script.say_of_stable(&recovery, Decision::Pass, Vec::new()).await;
    assert_eq!(rounded(&house.ended(&rollout.name).await), 100);
}

#[tokio::test]
async fn what_is_offered_is_what_would_be_done() {
    let mut house = House::silent().await;
    let first = house.stable(2).await;
    assert_eq!(offered(&first), [""; 0], "nothing served before the first version");
    let mut request = canary("2");
    request.policy.as_mut().unwrap().drain = Some(span(60_000));
    let rollout = house.rollout(request).await;
    let baking = house.at(&rollout.name, "BAKE", 10.0).await;
    assert_eq!(offered(&baking), ["bellwether abort", "bellwether advance", "bellwether pause"]);
    house.client.pause_rollout(pause(&rollout.name, "lunch")).await.unwrap();
    let paused = house.get(&rollout.name).await;
    let with_resume = ["bellwether abort", "bellwether advance", "bellwether pause", "bellwether resume"];
    assert_eq!(offered(&paused), with_resume);
    let since = paused.pauses[0].since;
    house.client.pause_rollout(pause(&rollout.name, "an incident")).await.unwrap();
    let again = house.get(&rollout.name).await;
    assert_eq!((again.pauses.len(), again.pauses[0].reason.as_str()), (1, "an incident"));
    assert_eq!(again.pauses[0].since, since, "it is held since the first one");

    let fleet = super::house::fleet(&rollout);
    house.hands().cling(super::house::SHOP, fleet, 1);
    house.world.script.segment(&rollout.name, 1).await;
    house.world.script.say(&rollout.name, Decision::Fail);
    let draining = |it: &pb::Rollout| it.waiting_on.iter().any(|it| it.kind == "DRAIN" && it.until.is_some());
    let back = house.until(&rollout.name, draining).await;
    assert_eq!(offered(&back), ["bellwether pause", "bellwether resume"], "an abort would change nothing");
    house.client.pause_rollout(pause(&rollout.name, "also now")).await.unwrap();
}
