//! Journeys that the monitor tries itself, through the gateway, in rollouts.

use bellwether_proto::{
    executor::v1::{Rollout, rollout::State, validation_item::Result as Found},
    monitor::v1::{Decision, GetHealthRequest, Level, MetricCategory},
};
use bellwether_tests::{
    shop::{self, Release},
    stack::Stack,
    wait::until,
};

use super::PROGRAM;

/// Version 3 of the shop does not do what its users come for, without an error that anybody could count.
fn described(front: std::net::SocketAddr) -> String {
    format!(
        "kind: Probe
name: front
application: shop
environment: {}
interval: 1s
failures: 2
http:
  url: http://{front}
  steps:
    - id: look
      expect:
        statuses: [200]
        headers:
          - {{ name: x-shop-version, matches: '^[124]$' }}
",
        shop::ENVIRONMENT
    )
}

fn journeys(rollout: &Rollout) -> Option<Found> {
    rollout.validation.iter().find(|it| it.id == "USER_JOURNEYS").map(|it| it.result())
}

async fn health(stack: &Stack) -> Option<Level> {
    let target = format!("targets/shop@{}", shop::ENVIRONMENT);
    let health =
        stack.monitor().get_health(GetHealthRequest { target }).await.unwrap().into_inner().health.unwrap();
    let journeys = health.categories.iter().find(|it| it.category() == MetricCategory::Journeys)?;
    (journeys.value.is_some()).then(|| journeys.level())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_journey_keeps_a_rollout_from_passing_and_is_validated() {
    let stack = Stack::up(PROGRAM).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, 120).await.unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), described(shop::front(&stack, "shop").await.unwrap())).unwrap();
    let path = file.path().to_str().unwrap();
    let (code_of, out, errors) = stack.cli(&["probe", "apply", "-f", path]).await.unwrap();
    assert_eq!((code_of, out.as_str()), (0, "probe front applied\n"), "{errors}");
    until("the journey was tried", || async { (health(&stack).await == Some(Level::Ok)).then_some(()) })
        .await
        .unwrap();
    let (_, listed, _) = stack.cli(&["probe", "list"]).await.unwrap();
    assert!(listed.contains("front") && listed.contains("http") && listed.contains("ok"), "{listed}");

    let good = shop::submit(&stack, "shop", &Release::canary("2")).await.unwrap();
    let good = shop::ended(&stack, &good).await.unwrap();
    assert_eq!((good.state(), journeys(&good)), (State::Succeeded, Some(Found::Pass)), "{good:#?}");

    // at half of the traffic nobody knows which version the journey reached; at all of it, it is the candidate
    let bad = shop::submit(&stack, "shop", &Release::canary("3")).await.unwrap();
    let fails = |it: &Rollout| {
        let reason = it.verdict.as_ref().and_then(|verdict| verdict.reason.as_ref());
        reason.is_some_and(|reason| reason.code == "PROBE_FAILED")
    };
    let held = shop::rollout_until(&stack, &bad, fails).await.unwrap();
    let verdict = held.verdict.as_ref().unwrap();
    assert_eq!((held.state(), verdict.decision()), (State::Running, Decision::Undecided), "{held:#?}");
    let text = &verdict.reason.as_ref().unwrap().text;
    assert!(text.contains(r#"step look: header x-shop-version is "3", which does not match"#), "{text}");
    assert!(matches!(health(&stack).await, Some(Level::Fail | Level::Warn)));
    let (code_of, out, errors) =
        stack.cli(&["abort", &held.name, "-m", "the front page is broken"]).await.unwrap();
    assert_eq!(code_of, 0, "{out}\n{errors}");
    let taken_back = shop::ended(&stack, &bad).await.unwrap();
    assert_eq!(
        (taken_back.state(), journeys(&taken_back)),
        (State::RolledBack, Some(Found::Pass)),
        "{taken_back:#?}"
    );
    assert_eq!(load.tally().failed, 0, "no request failed: only the journey knew");
    let (code_of, out, _) = stack.cli(&["probe", "delete", "front", "-m", "seen enough"]).await.unwrap();
    assert_eq!((code_of, out.as_str()), (0, "probe front is deleted\n"));
    assert_eq!(health(&stack).await, None);
}
