//! What the platform says about instances: where they are, since when, and what keeps them from running.

use bellwether_platform::fake::Behaviour;
use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::Problem;
use pb::rollout::State;

use super::{
    house::{House, SHOP, canary, fleet, span},
    wait::reason,
};

#[tokio::test]
async fn a_problem_is_shown_and_is_the_reason_of_what_follows_from_it() {
    let mut house = House::passing().await;
    house.stable(2).await;
    house.hands().behaviour("2", Behaviour::ByHand);
    let mut request = canary("2");
    request.policy.as_mut().unwrap().progress_deadline = Some(span(4_000));
    let rollout = house.rollout(request).await;
    house
        .until(&rollout.name, |it| it.instances.iter().any(|it| it.fleet == fleet(&rollout).to_string()))
        .await;
    let problem = Problem {
        code: "NO_PORT".into(),
        fleet: Some(fleet(&rollout)),
        instance: None,
        message: "all ports from 20000 to 20010 are taken".into(),
        since: None,
        remedy: "Give the agent a larger range.".into(),
    };
    house.hands().problems(SHOP, vec![problem]);
    let waiting = house.until(&rollout.name, |it| !it.problems.is_empty()).await;
    assert_eq!((waiting.problems[0].code.as_str(), waiting.state()), ("NO_PORT", State::Running));
    assert!(waiting.waiting_on[0].text.contains("all ports"), "{:?}", waiting.waiting_on);
    assert_eq!(house.get_target().await.problems[0].remedy, "Give the agent a larger range.");
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), reason(&ended)), (State::RolledBack, "NO_PORT"));
    let why = ended.reason.unwrap();
    assert!(why.text.contains("all ports") && why.text.contains("larger range"), "{}", why.text);
    assert_eq!(why.values["failure"], "PROGRESS_DEADLINE");
}
