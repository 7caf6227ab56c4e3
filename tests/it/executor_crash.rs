//! The executor dies or stops in the middle of a rollout, under load.

use bellwether_client::Transport;
use bellwether_clock::spawn;
use bellwether_proto::executor::v1::{
    AbortRolloutRequest, FleetSpec, GetRolloutRequest, Rollout, StartRolloutRequest,
    executor_service_client::ExecutorServiceClient, rollout::State, strategy::Kind,
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

/// Sees a release to its end with an executor whose every life ends at one of these commits, in turn. Also returns how
/// often it died.
async fn mortal(stack: &mut Stack, release: &Release, points: &[String]) -> (Rollout, u32) {
    stack.process().kill().unwrap();
    stack.launch(Part::Executor, &[(CRASH, &points[0])]).unwrap();
    let name = shop::submit(stack, "shop", release).await.unwrap();
    let seen = spawn("seen", shop::follow(stack.executor(), stack.env(), name, |it| is_over(it.state())));
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
        assert!(deaths < 200, "it does not come on");
        stack.launch(Part::Executor, &[(CRASH, point)]).unwrap();
    }
    let ended = seen.await.unwrap().unwrap();
    stack.process().kill().unwrap();
    stack.again(Part::Executor).await.unwrap();
    (ended, deaths)
}

async fn at_each_append(points: &[String]) {
    let mut stack = Stack::start(Setup::four(PROGRAM)).await.unwrap();
    let load = shop::serving(&stack, "shop", 2, RPS).await.unwrap();
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
    // lives of one commit alone would never see the monitor again
    at_each_append(&LIVES.map(|(moment, commit)| format!("executor:{moment}:{commit}"))).await;
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
