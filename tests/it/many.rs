//! Many rollouts, and many readers.

use std::collections::{BTreeMap, BTreeSet};

use bellwether_client::{Transport, Watch, WatchEvent};
use bellwether_proto::executor::v1::{
    AbortRolloutRequest, ApplyTargetRequest, Bake, FleetSpec, Rollout, RolloutPolicy, StartRolloutRequest,
    Strategy, Target, WatchRolloutsRequest, executor_service_client::ExecutorServiceClient, rollout::State,
    strategy::Kind,
};
use bellwether_tests::{
    shop::millis,
    stack::{Part, Setup, Stack},
    wait::until_within,
};
use rustix::process::Signal;
use tokio::time::timeout;

use super::{PROGRAM, observe::at, stage::seconds};

const PATIENCE: std::time::Duration = std::time::Duration::from_secs(90);

fn target(number: usize) -> String {
    format!("targets/app-{number}@test")
}

/// A rollout that nobody judges; later ones are canaries.
pub(super) fn rollout(number: usize, version: &str, strategy: Strategy) -> StartRolloutRequest {
    let policy = RolloutPolicy {
        drain: millis(100),
        keep: millis(0),
        recovery_max: millis(1_000),
        ..Default::default()
    };
    StartRolloutRequest {
        target: target(number),
        spec: Some(FleetSpec {
            version: version.to_owned(),
            command: vec!["app".to_owned()],
            ..Default::default()
        }),
        strategy: Some(strategy),
        policy: Some(policy),
        ..Default::default()
    }
}

pub(super) fn bake(millis_min: i64, no_checks: bool) -> Option<Bake> {
    Some(Bake { min: millis(millis_min), max: millis(600_000), no_checks })
}

fn direct() -> Strategy {
    Strategy { kind: Kind::Direct.into(), final_bake: bake(0, true), ..Default::default() }
}

pub(super) fn canary(no_checks: bool) -> Strategy {
    Strategy {
        kind: Kind::Canary.into(),
        weights_percent: vec![50.0, 100.0],
        bake: bake(300, no_checks),
        final_bake: bake(300, no_checks),
        ..Default::default()
    }
}

pub(super) async fn start(stack: &Stack, request: StartRolloutRequest) -> Rollout {
    stack.executor().start_rollout(request).await.unwrap().into_inner().rollout.unwrap()
}

/// This many targets, each with a version that serves.
pub(super) async fn serving(stack: &Stack, count: usize) {
    let mut names = BTreeSet::new();
    for number in 0..count {
        let target = Target { name: target(number), instances: 2, ..Default::default() };
        let request = ApplyTargetRequest { target: Some(target), ..Default::default() };
        stack.executor().apply_target(request).await.unwrap();
        names.insert(start(stack, rollout(number, "1", direct())).await.name);
    }
    let ends =
        seen(stack, |all| names.iter().all(|name| all.get(name).is_some_and(|it| it.end_time.is_some())))
            .await;
    assert!(ends.values().all(|it| it.state() == State::Succeeded));
}

pub(super) fn watch(stack: &Stack) -> Watch<Rollout> {
    let client = stack.executor();
    Watch::new(stack.env(), move |resume_token| {
        let mut client = client.clone();
        async move { client.watch_rollouts(WatchRolloutsRequest { resume_token, ..Default::default() }).await }
    })
}

/// All rollouts by name, as soon as they are so.
async fn seen(
    stack: &Stack,
    are_they: impl Fn(&BTreeMap<String, Rollout>) -> bool,
) -> BTreeMap<String, Rollout> {
    let (mut watch, mut all) = (watch(stack), BTreeMap::new());
    let following = async {
        loop {
            if let WatchEvent::Snapshot(it) | WatchEvent::Changed { resource: it, .. } =
                watch.next().await.unwrap()
            {
                all.insert(it.name.clone(), it);
                if are_they(&all) {
                    return;
                }
            }
        }
    };
    let ended = timeout(PATIENCE, following).await;
    assert!(
        ended.is_ok(),
        "not within {PATIENCE:?}: {:?}",
        all.values().map(|it| (at(it), it.state())).collect::<Vec<_>>()
    );
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r39_a_hundred_rollouts_at_once_end_right() {
    let stack = Stack::start(Setup::one(PROGRAM).on_fake()).await.unwrap();
    serving(&stack, 100).await;
    let mut wanted = BTreeMap::new();
    for number in 0..100 {
        let name = start(&stack, rollout(number, "2", canary(true))).await.name;
        let end = if number % 4 == 0 { State::RolledBack } else { State::Succeeded };
        if end == State::RolledBack {
            let request = AbortRolloutRequest {
                name: name.clone(),
                reason: "this one not".to_owned(),
                ..Default::default()
            };
            stack.executor().abort_rollout(request).await.unwrap();
        }
        wanted.insert(name, end);
    }
    let ends =
        seen(&stack, |all| wanted.keys().all(|name| all.get(name).is_some_and(|it| it.end_time.is_some())))
            .await;
    for (name, end) in &wanted {
        let got = ends[name].state();
        // an abort that comes before anything has been changed has nothing to take back
        assert!(got == *end || (*end == State::RolledBack && got == State::Cancelled), "{:#?}", ends[name]);
    }
    let ends = wanted.keys().map(|name| &ends[name]);
    none_starves(&ends.filter(|it| it.state() == State::Succeeded).collect::<Vec<_>>());
}

/// Of rollouts that all do the same at the same time none takes much longer than most.
fn none_starves(rollouts: &[&Rollout]) {
    let lasted = |it: &&Rollout| {
        seconds(it.end_time.as_ref()) - seconds(it.metadata.as_ref().unwrap().create_time.as_ref())
    };
    let mut lasted: Vec<f64> = rollouts.iter().map(lasted).collect();
    lasted.sort_by(f64::total_cmp);
    let (median, longest) = (lasted[lasted.len() / 2], lasted[lasted.len() - 1]);
    assert!(longest < 3.0 * median, "{longest} s, where half of them took {median} s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r50_a_monitor_that_says_nothing_holds_all_rollouts_as_one_incident() {
    const COUNT: usize = 40;
    let mut stack = Stack::start(Setup::four(PROGRAM).on_fake()).await.unwrap();
    serving(&stack, COUNT).await;
    let mut names = BTreeSet::new();
    for number in 0..COUNT {
        names.insert(start(&stack, rollout(number, "2", canary(false))).await.name);
    }
    let all = |of: &BTreeMap<String, Rollout>, so: &dyn Fn(&Rollout) -> bool| {
        names.iter().all(|name| of.get(name).is_some_and(so))
    };
    let held = |it: &Rollout| it.waiting_on.iter().any(|waiting| waiting.kind == "MONITOR");
    seen(&stack, |of| all(of, &|it| at(it) == ("BAKE", 50.0) && !held(it))).await;
    let mut facts = watch(&stack);
    while !matches!(facts.next().await.unwrap(), WatchEvent::Current) {}
    stack.process_of(Part::Monitor).signal(Signal::STOP).unwrap();
    let incidents = timeout(PATIENCE, async {
        let (mut held_ones, mut incidents) = (BTreeSet::new(), BTreeSet::new());
        while held_ones.len() < COUNT || incidents.is_empty() {
            if let WatchEvent::Changed { change, resource } = facts.next().await.unwrap() {
                let fact: serde_json::Value = serde_json::from_str(&change.fact_json).unwrap();
                if let Some(incident) = fact.pointer("/event/incident") {
                    incidents.insert(incident["id"].to_string());
                    assert_eq!(incident["targets"].as_array().map(Vec::len), Some(COUNT));
                }
                if held(&resource) {
                    held_ones.insert(resource.name);
                }
            }
        }
        incidents
    });
    let incidents = incidents.await.unwrap();
    assert_eq!(incidents.len(), 1, "{incidents:?}");
    let during = seen(&stack, |of| all(of, &held)).await;
    assert!(
        names.iter().all(|name| at(&during[name]) == ("BAKE", 50.0)),
        "nothing advanced, nothing taken back"
    );
    stack.process_of(Part::Monitor).signal(Signal::CONT).unwrap();
    seen(&stack, |of| all(of, &|it| !held(it))).await;
}

/// Resident memory of a process in MiB.
fn resident_mib(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x10_a_thousand_readers_that_never_read_cost_little_and_disturb_nobody() {
    let mut stack = Stack::start(Setup::one(PROGRAM).on_fake()).await.unwrap();
    serving(&stack, 1).await;
    let (mut readers, url) = (Vec::new(), format!("http://{}", stack.listen()));
    for _ in 0..5 {
        let mut client = ExecutorServiceClient::new(Transport::builder(url.clone()).build().unwrap());
        for _ in 0..200 {
            readers.push(client.watch_rollouts(WatchRolloutsRequest::default()).await.unwrap().into_inner());
        }
    }
    let process = stack.process().id();
    let before = resident_mib(process);
    let mut grown = Vec::new();
    for round in 0..6 {
        for version in 0..23 {
            let version = 2 + round * 23 + version;
            let name = start(&stack, rollout(0, &version.to_string(), direct())).await.name;
            seen(&stack, |all| all.get(&name).is_some_and(|it| it.end_time.is_some())).await;
        }
        grown.push(resident_mib(process).saturating_sub(before));
    }
    assert!(grown[5] < 512, "each holds a page of the journal and what HTTP/2 buffers: {grown:?} MiB");
    assert!(grown[5] < grown[3] + 48, "and no more as time goes on: {grown:?} MiB");
    assert_eq!(readers.len(), 1_000);
    drop(readers);
    until_within(PATIENCE, "the service goes on", || async {
        stack.answers(Part::Executor).await.then_some(())
    })
    .await
    .unwrap();
}
