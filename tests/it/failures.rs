//! Candidates that cannot run, and those that cannot be taken back.

use bellwether_proto::{
    executor::v1::{Rollout, rollout::State, step_status},
    planner::v1::Migration,
};
use bellwether_tests::{app::App, receiver::Receiver, shop::Release, stack::Stack, wait::until};

use super::{
    observe::{at, fleet_of, stable_ids, stable_of},
    stage::{code, decided, overloaded, seconds, share_of, stage, tell},
};

async fn what_crash_loops_never_gets_traffic(stack: &Stack) {
    let app = App::serving(stack, "loops", 2, |_| ()).await.unwrap();
    let before = app.target().await.unwrap();
    let load = app.load(100);
    let release = Release::canary("2").set("SHOP_ERRORS_PERCENT", "many");
    let name = app.submit(&release).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "CRASH_LOOP"), "{ended:#?}");
    let began = seconds(ended.metadata.as_ref().unwrap().create_time.as_ref());
    let took = decided(&ended) - began;
    assert!(took < 10.0 || overloaded(), "within seconds: {took}");
    let route = ended.steps.iter().find(|it| it.kind == "ROUTE").unwrap();
    assert_eq!(route.state(), step_status::State::Pending, "{ended:#?}");
    let exits = &ended.evidence.as_ref().unwrap().exits;
    let said = |line: &String| line.contains("many") && line.contains("invalid");
    assert!(exits.iter().all(|it| it.code == Some(2) && it.log_tail.iter().any(said)), "{exits:#?}");
    assert!(!exits.is_empty(), "{ended:#?}");

    let (after, tally) = (app.target().await.unwrap(), load.tally());
    assert_eq!((stable_ids(&after), share_of(&after, &stable_of(&before))), (stable_ids(&before), 100.0));
    assert!(app.processes(&fleet_of(&ended)).is_empty(), "nobody starts it again");
    assert!(tally.failed == 0 && !tally.versions.contains_key("2"), "traffic never reached it: {tally:?}");
}

/// The message that a rollout needs a person, as soon as it is there.
async fn incident(receiver: &Receiver, rollout: &Rollout) -> serde_json::Value {
    let asks = |body: &serde_json::Value| {
        let text = body.to_string();
        text.contains("needs an operator") && text.contains(&rollout.display_name)
    };
    let found = || receiver.kept().into_values().flatten().find(asks);
    until("somebody is told", || async { found() }).await.unwrap()
}

async fn what_cannot_be_undone_stays(stack: &Stack, receiver: &Receiver) {
    let app = App::serving(stack, "stays", 2, |_| ()).await.unwrap();
    let before = app.target().await.unwrap();
    let release = Release::endless("2").set("SHOP_ERRORS_PERCENT", "30");
    let migration = Migration { id: "drop-column".to_owned(), ..Default::default() };
    let name = app.submit_as(&release, |it| it.bundle.as_mut().unwrap().migrations = vec![migration]);
    let name = name.await.unwrap();
    app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    let load = app.load(100);
    let asks = app.until(&name, |it| it.state() == State::NeedsOperator).await.unwrap();
    let reason = asks.reason.as_ref().unwrap();
    assert_eq!(reason.code, "VERDICT_FAIL");
    assert_eq!(reason.values["stay"], "IRREVERSIBLE_MIGRATION", "{reason:#?}");
    assert!(!asks.traffic_safe && asks.rollback_times.is_none(), "{asks:#?}");
    let told = incident(receiver, &asks).await;
    assert!(told.to_string().contains("page"), "{told:#}");

    // users are held where they are, for as long as nobody says what is to be done
    let answers = || load.tally().versions.get("2").map_or(0, |it| it.answers);
    let seen = answers();
    until("it still serves", || async { (answers() > seen + 100).then_some(()) }).await.unwrap();
    let still = app.rollout(&asks.name).await.unwrap();
    assert_eq!((still.state(), at(&still)), (State::NeedsOperator, ("BAKE", 50.0)), "{still:#?}");
    let choices: Vec<&str> = still.allowed_actions.iter().map(|it| it.command.as_str()).collect();
    let can = |what: &str| choices.iter().any(|it| it.ends_with(what));
    assert!(can(" ignore") && can(" roll-back"), "{choices:?}");

    app.abort(&asks.name, "").await.unwrap();
    let ended = app.until(&name, |it| it.end_time.is_some()).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "a person can always stop it: {ended:#?}");
    let after = app.target().await.unwrap();
    assert_eq!((stable_ids(&after), share_of(&after, &stable_of(&before))), (stable_ids(&before), 100.0));
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r24_r33_what_cannot_run_and_what_cannot_be_undone() {
    let stack = stage().await;
    let receiver = Receiver::start().await.unwrap();
    tell(&stack, &receiver).await;
    tokio::join!(what_crash_loops_never_gets_traffic(&stack), what_cannot_be_undone_stays(&stack, &receiver),);
}
