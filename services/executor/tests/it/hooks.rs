//! Calls to the outside.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, extract::State as With, http::HeaderMap, routing::post};
use bellwether_proto::executor::v1 as pb;
use pb::rollout::State;
use tokio::sync::watch;

use super::{
    house::{House, span, start},
    wait::reason,
};

/// The keys of the calls that came.
#[derive(Clone, Default)]
struct Calls {
    keys: Arc<watch::Sender<Vec<String>>>,
    /// So many calls get no answer.
    hang: Arc<AtomicUsize>,
}

impl Calls {
    /// Serves on a free port; its URL.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let routes = Router::new().route("/hook", post(called)).with_state(self.clone());
        bellwether_clock::spawn("hook-server", async move { axum::serve(listener, routes).await.unwrap() });
        url
    }

    fn keys(&self) -> Vec<String> {
        self.keys.borrow().clone()
    }

    /// Waits for the first call.
    async fn came(&self) {
        let mut keys = self.keys.subscribe();
        let first = keys.wait_for(|keys| !keys.is_empty());
        tokio::time::timeout(Duration::from_secs(10), first).await.unwrap().unwrap();
    }
}

async fn called(With(calls): With<Calls>, headers: HeaderMap, body: String) -> String {
    let key = headers["idempotency-key"].to_str().unwrap().to_owned();
    assert!(body.contains(&key), "the body says it too");
    calls.keys.send_modify(|keys| keys.push(key));
    let hangs = calls.hang.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    if hangs.is_ok() {
        std::future::pending::<()>().await;
    }
    "migrated".into()
}

fn step(kind: pb::step::Kind) -> pb::Step {
    pb::Step { kind: Some(kind), ..pb::Step::default() }
}

fn command(id: &str, program: &str) -> pb::Hook {
    let command = pb::Command { name: program.into(), args: Vec::new() };
    let timeout = Some(span(5_000));
    pb::Hook { id: id.into(), call: Some(pb::hook::Call::Command(command)), timeout, ..pb::Hook::default() }
}

fn http(id: &str, url: &str) -> pb::Hook {
    let timeout = Some(span(20_000));
    pb::Hook {
        id: id.into(),
        call: Some(pb::hook::Call::HttpUrl(url.into())),
        timeout,
        ..pb::Hook::default()
    }
}

fn undone_by(hook: pb::Hook, undo: pb::Hook) -> pb::Step {
    step(pb::step::Kind::Hook(pb::Hook { on_undo: Some(Box::new(undo)), ..hook }))
}

fn custom(version: &str, steps: Vec<pb::Step>) -> pb::StartRolloutRequest {
    start(version, pb::Strategy { kind: pb::strategy::Kind::Custom.into(), steps, ..Default::default() })
}

#[tokio::test]
async fn r34_a_hook_that_fails_undoes_those_before_it_in_reverse() {
    let (mut house, calls) = (House::passing().await, Calls::default());
    house.stable(1).await;
    let url = calls.serve().await;
    let steps = vec![
        undone_by(http("expand", &url), http("shrink", &url)),
        undone_by(command("warm", "true"), http("cool", &url)),
        step(pb::step::Kind::Hook(command("broken", "false"))),
    ];
    let rollout = house.rollout(custom("2", steps)).await;
    let ended = house.ended(&rollout.name).await;
    assert_eq!((ended.state(), reason(&ended)), (State::RolledBack, "HOOK_FAILED"));
    let id = rollout.name.trim_start_matches("rollouts/");
    assert_eq!(calls.keys(), [format!("{id}/0"), format!("{id}/1/undo"), format!("{id}/0/undo")]);
}

#[tokio::test]
async fn a_call_that_a_crash_interrupted_is_made_again_with_the_same_key() {
    let (mut house, calls) = (House::passing().await, Calls::default());
    house.stable(1).await;
    let url = calls.serve().await;
    calls.hang.store(1, Ordering::SeqCst);
    let migrate = step(pb::step::Kind::Hook(http("migrate", &url)));
    let rollout = house.rollout(custom("2", vec![migrate])).await;
    calls.came().await;
    let mut house = house.restart().await;
    assert_eq!(house.ended(&rollout.name).await.state(), State::Succeeded);
    let key = format!("{}/0", rollout.name.trim_start_matches("rollouts/"));
    assert_eq!(calls.keys(), [key.clone(), key]);
}

#[tokio::test]
async fn a_command_that_a_crash_interrupted_asks_a_person() {
    let mut house = House::passing().await;
    house.stable(1).await;
    let command = pb::Command { name: "sleep".into(), args: vec!["60".into()] };
    let call = Some(pb::hook::Call::Command(command));
    let slow = pb::Hook { call, timeout: Some(span(60_000)), ..self::command("slow", "sleep") };
    let sleep = step(pb::step::Kind::Hook(slow));
    let rollout = house.rollout(custom("2", vec![sleep])).await;
    house.until(&rollout.name, |it| it.waiting_on.iter().any(|waiting| waiting.kind == "HOOK")).await;
    let mut house = house.restart().await;
    let asks = house.in_state(&rollout.name, State::NeedsOperator).await;
    assert_eq!(reason(&asks), "HOOK_OUTCOME_UNKNOWN");
    let ignore = pb::ResolveInterruptionRequest {
        name: rollout.name.clone(),
        resolution: pb::resolve_interruption_request::Resolution::Ignore.into(),
        reason: "looked: it ran".into(),
        ..Default::default()
    };
    house.client.resolve_interruption(ignore).await.unwrap();
    assert_eq!(house.ended(&rollout.name).await.state(), State::Succeeded);
}
