//! What goes wrong, and what is done about it.

use std::time::Duration;

use bellwether_platform::{Capabilities, Platform as _, fake::Behaviour};
use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use bellwether_rollout::Split;
use pb::{resolve_interruption_request::Resolution, rollout::State};

use super::{
    house::{House, SHOP, TARGET, World, canary, direct, fleet, span},
    script::Script,
    wait::{at, reason},
};

const LIMIT: Duration = Duration::from_secs(15);

#[tokio::test]
async fn r08_a_deadline_that_is_shorter_than_readiness_takes_the_rollout_back() {
    let mut house = House::passing().await;
    house.stable(2).await;
    house.hands().behaviour("2", Behaviour::ByHand);
    let mut request = canary("2");
    request.policy.as_mut().unwrap().progress_deadline = Some(span(1_000));
    let rollout = house.rollout(request).await;
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), reason(&ended)), (State::RolledBack, "PROGRESS_DEADLINE"));
    assert_eq!(house.hands().split(SHOP).share(fleet(&rollout)).as_f64(), 0.0);
}

#[tokio::test]
async fn r24_a_candidate_that_crash_loops_never_gets_traffic() {
    let mut house = House::passing().await;
    house.stable(2).await;
    house.hands().behaviour("2", Behaviour::CrashAfter(Duration::from_millis(20)));
    let rollout = house.rollout(canary("2")).await;
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), reason(&ended)), (State::RolledBack, "CRASH_LOOP"));
    let shares = house.hands().stats(SHOP).splits;
    assert!(shares.iter().all(|split| split.share(fleet(&rollout)).is_zero()));
    let evidence = ended.evidence.unwrap();
    assert_eq!(evidence.exits[0].code, Some(101));
    assert!(!evidence.exits[0].log_tail.is_empty());
}

#[tokio::test]
async fn r37_a_router_that_refuses_is_asked_again_and_then_the_rollout_is_taken_back() {
    let mut house = House::passing().await;
    let before = house.stable(2).await;
    house.hands().refuse_routes(SHOP, Some("no such pool"));
    let rollout = house.rollout(canary("2")).await;
    let ended =
        house.until(&rollout.name, |it| it.state() != State::Pending && it.state() != State::Running).await;
    assert_eq!(reason(&ended), "ROUTE_REFUSED");
    house.hands().refuse_routes(SHOP, None);
    assert_eq!(house.ended(&rollout.name).await.state(), State::RolledBack);
    assert_eq!(
        house.hands().split(SHOP).share(fleet(&before)).as_f64(),
        100.0,
        "as read back, not as wished"
    );
}

#[tokio::test]
async fn r42_after_its_permit_no_step_starts_until_it_is_renewed() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.world.script.segment(&rollout.name, 1).await;
    let past = Some(pbjson_time(-60));
    let renew = |until| pb::RenewPermitRequest {
        name: rollout.name.clone(),
        permit_until: until,
        ..Default::default()
    };
    house.client.renew_permit(renew(past)).await.unwrap();
    house.world.script.say(&rollout.name, Decision::Pass);
    let waits = |it: &pb::Rollout| it.waiting_on.iter().any(|waiting| waiting.kind == "PERMIT");
    house.until(&rollout.name, waits).await;
    house.client.renew_permit(renew(None)).await.unwrap();
    house.at(&rollout.name, "BAKE", 50.0).await;
}

fn pbjson_time(seconds: i64) -> bellwether_proto::Timestamp {
    let now = bellwether_clock::Env::system().now();
    bellwether_proto::Timestamp { seconds: now.as_second() + seconds, nanos: 0 }
}

#[tokio::test]
async fn r46_what_a_person_changes_is_corrected_once_and_then_contested() {
    let mut house = House::passing().await;
    let before = house.stable(2).await;
    let hands = house.hands();
    hands.route_by_hand(SHOP, Split::default());
    let back =
        |hands: &bellwether_platform::fake::Control| hands.split(SHOP) == Split::all_to(fleet(&before));
    assert!(hands.eventually(SHOP, LIMIT, back).await, "corrected");
    hands.route_by_hand(SHOP, Split::default());
    let request = pb::WatchTargetsRequest::default();
    let mut stream = house.client.watch_targets(request).await.unwrap().into_inner();
    let contested = async {
        loop {
            let message = stream.message().await.unwrap().unwrap().message.unwrap();
            if let pb::watch_targets_response::Message::Changed(change) = message
                && change.change.unwrap().fact == "DRIFT_CONTESTED"
            {
                return;
            }
        }
    };
    tokio::time::timeout(LIMIT, contested).await.unwrap();
    let refused = house.client.start_rollout(direct("2")).await.unwrap_err();
    assert!(refused.message().contains("contested"), "{refused}");
}

#[tokio::test]
async fn a_target_that_was_taken_over_is_left_alone_until_it_is_handed_back() {
    let mut house = House::silent().await;
    let before = house.stable(2).await;
    let rollout = house.rollout(canary("2")).await;
    house.at(&rollout.name, "BAKE", 10.0).await;
    house.world.fake.take_over(SHOP, "fire").await.unwrap();
    house.in_state(&rollout.name, State::NeedsOperator).await;
    assert!(house.get_target().await.taken_over);
    let hand_back = pb::HandBackRequest { target: TARGET.into(), reason: "out".into(), ..Default::default() };
    house.client.hand_back(hand_back).await.unwrap();
    assert_eq!(house.ended(&rollout.name).await.state(), State::RolledBack);
    let back =
        |hands: &bellwether_platform::fake::Control| hands.split(SHOP) == Split::all_to(fleet(&before));
    assert!(house.hands().eventually(SHOP, LIMIT, back).await);
    assert!(!house.get_target().await.taken_over);
}

#[tokio::test]
async fn r40_a_guided_failure_asks_and_each_answer_does_what_it_says() {
    let mut house = House::silent().await;
    house.stable(2).await;
    let answers = [(Resolution::RollBack, State::RolledBack), (Resolution::Ignore, State::Succeeded)];
    for (version, (resolution, end)) in ["2", "3"].into_iter().zip(answers) {
        let mut request = canary(version);
        request.policy.as_mut().unwrap().guided = true;
        let rollout = house.rollout(request).await;
        house.world.script.segment(&rollout.name, 1).await;
        house.world.script.say(&rollout.name, Decision::Fail);
        house.in_state(&rollout.name, State::NeedsOperator).await;
        let answer = pb::ResolveInterruptionRequest {
            name: TARGET.into(),
            resolution: resolution.into(),
            reason: "looked at it".into(),
            ..Default::default()
        };
        let shown = house.client.resolve_interruption(answer).await.unwrap().into_inner().rollout.unwrap();
        assert_eq!(shown.name, rollout.name);
        let ended = house.ended(&rollout.name).await;
        assert_eq!(ended.state(), end);
        assert!(
            ended.commands.iter().any(|it| it.method == "ResolveInterruption" && it.reason == "looked at it")
        );
    }
}

#[tokio::test]
async fn r39_100_rollouts_at_once_all_end_right() {
    let mut house = House::start(World::new(Script::new(Some(Decision::Pass)))).await;
    let targets: Vec<String> = (0..100).map(|number| format!("targets/shop-{number}@production")).collect();
    for target in &targets {
        house.apply(target, 2).await;
    }
    for version in ["1", "2"] {
        let mut names = Vec::new();
        for target in &targets {
            let request = pb::StartRolloutRequest { target: target.clone(), ..canary(version) };
            names.push(house.rollout(request).await.name);
        }
        for name in names {
            let ended = house.ended(&name).await;
            assert_eq!(ended.state(), State::Succeeded, "{:?} at {:?}", ended.reason, at(&ended));
        }
    }
    let unready: usize = targets
        .iter()
        .map(|target| house.hands().stats(target.trim_start_matches("targets/")).served_unready.len())
        .sum();
    assert_eq!(unready, 0);
}

#[tokio::test]
async fn a_router_that_keeps_no_fence_is_driven_too_also_after_a_restart() {
    let mut house = House::passing().await;
    house.hands().capabilities(Capabilities { fenced: false, ..Capabilities::ALL });
    house.stable(2).await;
    let mut house = house.restart().await;
    let rollout = house.rollout(canary("2")).await;
    assert_eq!(house.ended(&rollout.name).await.state(), State::Succeeded);
    house.hands().route_by_hand(SHOP, Split::default());
    let back =
        |hands: &bellwether_platform::fake::Control| hands.split(SHOP) == Split::all_to(fleet(&rollout));
    assert!(house.hands().eventually(SHOP, LIMIT, back).await, "read back and corrected");
}

#[tokio::test]
async fn a_platform_that_is_away_for_a_while_delays_a_rollout_and_breaks_nothing() {
    let mut house = House::passing().await;
    house.stable(2).await;
    house.hands().behaviour("2", Behaviour::ByHand);
    let rollout = house.rollout(canary("2")).await;
    house.until(&rollout.name, |it| it.waiting_on.iter().any(|waiting| waiting.kind == "READY")).await;
    house.hands().unavailable(Some("rebooting"));
    let mut house = house.restart().await;
    house.hands().behaviour("2", Behaviour::ReadyAfter(Duration::ZERO));
    house.hands().set_ready(SHOP, fleet(&rollout), 2);
    house.hands().unavailable(None);
    assert_eq!(house.ended(&rollout.name).await.state(), State::Succeeded);
    assert_eq!(house.hands().stats(SHOP).served_unready, []);
}
