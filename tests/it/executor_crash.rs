//! The executor dies or stops in the middle of a rollout, under load.

use std::{collections::BTreeMap, sync::Arc};

use bellwether_client::Transport;
use bellwether_clock::{Env, spawn};
use bellwether_executor::replay;
use bellwether_journal::{Journal, Options, SqliteJournal};
use bellwether_proto::{
    executor::v1::{
        AbortRolloutRequest, FleetSpec, GetRolloutRequest, Rollout, StartRolloutRequest,
        executor_service_client::ExecutorServiceClient, rollout::State, strategy::Kind,
    },
    monitor::v1::{Check, ErrorRateCheck, check},
};
use bellwether_tests::{
    process::Process,
    shop::{self, Release, is_over},
    stack::{Part, Setup, Stack, free_address},
    wait::until,
};
use rustix::process::Signal;

use super::{
    PROGRAM,
    observe::{at, fleet_of, stable_ids, stable_of, target, target_of},
};

const RPS: u32 = 150;
const CRASH: &str = "BELLWETHER_CRASH_AT_COMMIT";
/// Where the executor's lives end, one after the other, from the first.
const LIVES: [(&str, u32); 8] = [
    ("after", 1),
    ("before", 4),
    ("after", 5),
    ("before", 2),
    ("after", 3),
    ("before", 6),
    ("after", 4),
    ("before", 3),
];

/// A life that ends right after its first append, so that the executor dies at each append that there is.
const EACH: [(&str, u32); 1] = [("after", 1)];

/// Sees a release to its end with an executor whose every life ends at one of these commits, in turn. Also returns how
/// often it died.
async fn mortal(stack: &mut Stack, release: &Release, points: &[String]) -> (Rollout, u32) {
    stack.process().kill().unwrap();
    stack.launch(Part::Executor, &[(CRASH, &points[0])]).unwrap();
    let name = shop::submit(stack, "shop", release).await.unwrap();
    let seen = spawn("seen", over(stack.executor(), stack.env(), name));
    let mut deaths = 0;
    for point in points.iter().cycle() {
        let process = stack.process();
        let dead = until("the executor dies, or all is over", || {
            let dead = process.ended().unwrap().is_some();
            let answer = (dead || seen.is_finished()).then_some(dead);
            async move { answer }
        });
        if !dead.await.unwrap() {
            break;
        }
        deaths += 1;
        assert!(deaths < 400, "it does not come on");
        stack.launch(Part::Executor, &[(CRASH, point)]).unwrap();
    }
    let ended = seen.await.unwrap();
    stack.process().kill().unwrap();
    whole(stack).await;
    stack.again(Part::Executor).await.unwrap();
    (ended, deaths)
}

/// The end of a release's rollout, however long that takes.
async fn over(client: ExecutorServiceClient<Transport>, env: Env, release: String) -> Rollout {
    let mut last = None;
    for _ in 0..5 {
        match shop::follow(client.clone(), env.clone(), release.clone(), |it| is_over(it.state())).await {
            Ok(ended) => return ended,
            Err(error) => last = Some(error),
        }
    }
    panic!("{last:?}");
}

/// No event was lost, duplicated or reordered: positions and versions are dense, every step started once, and all of it
/// replays. Nobody owns the journal meanwhile.
async fn whole(stack: &Stack) {
    let options = Options { standby: true, ..Options::new(stack.env()) };
    let journal = SqliteJournal::open(&stack.data_dir().join("executor.db"), options).await.unwrap();
    let journal: Arc<dyn Journal> = Arc::new(journal);
    let (mut position, mut versions) = (0, BTreeMap::<_, u64>::new());
    let mut steps = BTreeMap::<String, Vec<(u64, u64)>>::new();
    loop {
        let page = journal.feed(position, 1_000).await.unwrap();
        if page.is_empty() {
            break;
        }
        for record in page {
            assert_eq!(record.position, position + 1);
            position = record.position;
            let version = versions.entry(record.stream.clone()).or_default();
            assert_eq!(record.version, *version + 1);
            *version = record.version;
            let fact: serde_json::Value = serde_json::from_slice(&record.payload).unwrap();
            let rollout = &fact["event"]["rollout"];
            if let Some(step) = rollout["what"].get("step_started") {
                let started = (step["index"].as_u64().unwrap(), step["attempt"].as_u64().unwrap());
                steps.entry(rollout["id"].to_string()).or_default().push(started);
            }
        }
    }
    for (rollout, started) in steps {
        // those of undoing begin again from 0
        let forward = started.iter().skip(1).position(|it| it.0 == 0).map_or(started.len(), |at| at + 1);
        let (forward, undo) = started.split_at(forward);
        for part in [forward, undo] {
            assert!(part.is_sorted_by(|a, b| a < b), "{rollout}: {started:?}");
        }
    }
    replay(journal.clone(), stack.env()).await.unwrap();
    journal.close().await;
}

/// How fast a machine answers says nothing about an executor that dies, and that takes its time.
async fn judged_by_errors(stack: &Stack) {
    let front = shop::front(stack, "shop").await.unwrap();
    let mut deployment = shop::deployment(2, &front.to_string());
    let kind = Some(check::Kind::ErrorRate(ErrorRateCheck::default()));
    let errors = Check { id: "errors".to_owned(), kind, ..Default::default() };
    deployment.health.as_mut().unwrap().checks = vec![errors];
    let environments = [(shop::ENVIRONMENT.to_owned(), deployment)].into();
    shop::apply_to(stack, "shop", environments).await.unwrap();
}

async fn at_each_append(points: &[String]) {
    let mut stack = Stack::start(Setup::four(PROGRAM)).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, RPS).await.unwrap();
    judged_by_errors(&stack).await;
    let good = Release::canary("2");
    let (ended, deaths) = mortal(&mut stack, &good, points).await;
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert!(deaths >= 5, "{deaths}");
    let serving = target(&stack).await;
    assert_eq!(stable_of(&serving), fleet_of(&ended));
    assert_eq!(stable_ids(&serving).len(), 2);
    assert_eq!(serving.last_rollout_number, 2, "nothing was started twice");

    let bad = Release::canary("3").set("SHOP_ERRORS_PERCENT", "30");
    let (ended, deaths) = mortal(&mut stack, &bad, points).await;
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    assert!(deaths >= 5, "{deaths}");
    let after = target(&stack).await;
    assert_eq!(stable_ids(&after), stable_ids(&serving), "stable was never restarted");
    assert!(after.candidate.is_none());
    assert_eq!(after.last_rollout_number, 3, "nothing was started twice");
    let tally = load.tally();
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x01_killed_at_append_after_append_of_r01_and_r02() {
    at_each_append(&LIVES.map(point)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x01_killed_at_each_append_one_after_the_other() {
    at_each_append(&EACH.map(point)).await;
}

fn point((moment, commit): (&str, u32)) -> String {
    format!("executor:{moment}:{commit}")
}

/// A second executor on the same data, which waits.
fn standby(stack: &Stack) -> (Process, ExecutorServiceClient<Transport>) {
    let listen = free_address().unwrap();
    let url = |part| format!("http://{}", stack.address(part).unwrap());
    let (agent, monitor) = (format!("agent={}", url(Part::Agent)), url(Part::Monitor));
    let (data, listen) = (stack.data_dir(), listen.to_string());
    let words = ["--standby", "--listen", &listen, "--data-dir", data.to_str().unwrap()];
    let words = words.into_iter().chain(["--platform", &agent, "--monitor", &monitor]);
    let program = stack.program().with_file_name("bellwether-executor-under-test");
    let log = data.parent().unwrap().join("standby.log");
    let process = Process::start(&program, words, &[], &log).unwrap();
    let transport = Transport::builder(format!("http://{listen}")).build().unwrap();
    (process, ExecutorServiceClient::new(transport))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn x02_a_stopped_executor_that_goes_on_can_do_nothing_any_more() {
    let mut stack = Stack::start(Setup::four(PROGRAM)).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, RPS).await.unwrap();
    let (second, client) = standby(&stack);
    let slow = Release::endless("2");
    let name = shop::submit(&stack, "shop", &slow).await.unwrap();
    let baking = shop::rollout_until(&stack, &name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();

    stack.process().signal(Signal::STOP).unwrap();
    // one that is stopped inside a write holds the takeover up: it goes on for a moment, and is stopped at another
    let (mut seen, mut stopped) = (0, true);
    let taken_over = until("the standby takes over", || {
        let held_up = second.log().matches("stopped inside a write").count();
        if !stopped {
            stack.process().signal(Signal::STOP).unwrap();
            stopped = true;
        } else if held_up > seen {
            seen = held_up;
            stack.process().signal(Signal::CONT).unwrap();
            stopped = false;
        }
        let (mut client, name) = (client.clone(), baking.name.clone());
        async move { client.get_rollout(GetRolloutRequest { name }).await.ok() }
    });
    taken_over.await.unwrap_or_else(|error| panic!("{error}: {}", second.log()));
    let request = AbortRolloutRequest {
        name: baking.name.clone(),
        reason: "through the second".to_owned(),
        ..Default::default()
    };
    client.clone().abort_rollout(request).await.unwrap();
    let ended = shop::follow(client.clone(), stack.env(), name, |it| is_over(it.state())).await.unwrap();
    assert_eq!(ended.state(), State::RolledBack, "{ended:#?}");
    let answers = load.tally().versions["2"].answers;

    stack.process().signal(Signal::CONT).unwrap();
    let process = stack.process();
    let status = until("the first ends", || {
        let ended = process.ended().unwrap();
        async move { ended }
    });
    let status = status.await.unwrap();
    assert_eq!(status.code(), Some(20), "{}", stack.log(Part::Executor));
    let after = target_of(client.clone()).await;
    assert_eq!(after.split.len(), 1, "{:?}", after.split);
    assert_eq!(after.split[0].fleet, stable_of(&after));
    let tally = load.tally();
    assert_eq!(tally.versions["2"].answers, answers, "not one request went to the candidate again");
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);

    // the new owner carries on by itself
    let spec = FleetSpec { version: "3".to_owned(), ..baking.spec.unwrap() };
    let request = StartRolloutRequest {
        target: after.name,
        spec: Some(spec),
        strategy: Some(Release::of("3", Kind::BlueGreen).strategy),
        policy: baking.policy,
        health: baking.health,
        ..Default::default()
    };
    client.clone().start_rollout(request).await.unwrap();
}
