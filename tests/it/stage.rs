//! One stack for several scenarios, each with an application of its own.

use bellwether_proto::{
    agent::v1::{ObserveRequest, ObservedRoute},
    executor::v1::{
        FleetRole, Gate, HeaderMatch, Instance, ListRolloutsRequest, Rollout, Route, Scale, StepStatus,
        Target, pause::Owner, scale::Size, step::Kind,
    },
    notifier::v1::{
        ApplyRoutingRequest, Receiver as To, Route as Told, Routing, WebhookChannel, receiver::Channel,
    },
    planner::v1::Environment,
};
use bellwether_tests::{
    app::App,
    receiver::Receiver,
    shop,
    stack::{Setup, Stack},
    wait::until,
};

use super::{
    PROGRAM,
    observe::{fleet_of, ids, stable_of},
};

/// The stack, with the environment that all of them use.
pub async fn stage() -> Stack {
    stage_of(Setup::one(PROGRAM)).await
}

/// A stack of these parts, with the environment.
pub async fn stage_of(setup: Setup) -> Stack {
    let stack = Stack::start(setup).await.unwrap();
    let environment = Environment { name: shop::ENVIRONMENT.to_owned(), ..Default::default() };
    shop::apply_environment(&stack, environment).await.unwrap();
    stack
}

/// A gate.
pub fn gate(id: &str) -> Kind {
    Kind::Gate(Gate { id: id.to_owned(), ..Default::default() })
}

/// The candidate, to this size.
pub fn scale(size: Size) -> Kind {
    Kind::Scale(Scale { fleet: FleetRole::Candidate.into(), size: Some(size) })
}

/// This share for the candidate.
pub fn share(percent: f64) -> Kind {
    Kind::Route(Route { percent, ..Default::default() })
}

/// A header that tests send.
pub fn tester() -> HeaderMatch {
    HeaderMatch { header: "x-tester".to_owned(), value: "yes".to_owned() }
}

/// Whether a step at this index runs.
pub fn at_step(rollout: &Rollout, index: i32) -> bool {
    rollout.step_index == index && step(rollout).is_some_and(|it| it.start_time.is_some())
}

/// The step that runs, or ran last.
pub fn step(rollout: &Rollout) -> Option<&StepStatus> {
    rollout.steps.get(usize::try_from(rollout.step_index).ok()?)
}

/// How many of a fleet's instances may get traffic.
pub fn ready(instances: &[Instance], fleet: &str) -> usize {
    instances.iter().filter(|it| it.fleet == fleet && it.ready && !it.draining).count()
}

/// The candidate's and stable's instances.
pub fn counts(target: &Target, rollout: &Rollout) -> (usize, usize) {
    let of = |fleet: &str| ids(&target.instance_states, fleet).len();
    (of(&fleet_of(rollout)), of(&stable_of(target)))
}

/// The share that this fleet has of the traffic, as read back.
pub fn share_of(target: &Target, fleet: &str) -> f64 {
    target.split.iter().find(|it| it.fleet == fleet).map_or(0.0, |it| it.percent)
}

/// Whether a policy holds it.
pub fn held_by_policy(rollout: &Rollout) -> bool {
    rollout.pauses.iter().any(|it| it.owner() == Owner::Policy)
}

/// The code of the reason.
pub fn code(rollout: &Rollout) -> &str {
    rollout.reason.as_ref().map_or("", |it| &it.code)
}

/// A time in seconds.
pub fn seconds(time: Option<&bellwether_proto::Timestamp>) -> f64 {
    let time = time.unwrap();
    time.seconds as f64 + f64::from(time.nanos) / 1e9
}

/// When it was decided to take it back, in seconds.
pub fn decided(rollout: &Rollout) -> f64 {
    seconds(rollout.rollback_times.as_ref().unwrap().decide_time.as_ref())
}

/// The route that is in force, as the agent tells it.
pub async fn routed(app: &App<'_>) -> ObservedRoute {
    let request = ObserveRequest { target: app.target_name() };
    let observed = app.stack.agent().unwrap().observe(request).await.unwrap().into_inner().observed.unwrap();
    observed.route.unwrap()
}

/// The newest rollout of its target, as soon as `is_it` says so.
pub async fn newest(app: &App<'_>, what: &str, is_it: impl Fn(&Rollout) -> bool) -> Rollout {
    let filter = format!("target = \"{}\"", app.target_name());
    let request = ListRolloutsRequest { filter, page_size: 1, ..Default::default() };
    let ask = async || {
        let answer = app.stack.executor().list_rollouts(request.clone()).await.ok()?.into_inner();
        answer.rollouts.into_iter().next()
    };
    match until(what, || async { ask().await.filter(&is_it) }).await {
        Ok(found) => found,
        Err(error) => panic!("{error}: {:#?}", ask().await),
    }
}

/// Sends everything that there is to tell to this receiver.
pub async fn tell(stack: &Stack, receiver: &Receiver) {
    let webhook = WebhookChannel { url: receiver.url(), ..Default::default() };
    let to = To { name: "keeps".to_owned(), channel: Some(Channel::Webhook(webhook)), ..Default::default() };
    let route = Told { receiver: "keeps".to_owned(), ..Default::default() };
    let routing = Routing { receivers: vec![to], route: Some(route), ..Default::default() };
    let request = ApplyRoutingRequest { routing: Some(routing), ..Default::default() };
    stack.notifier().apply_routing(request).await.unwrap();
}

/// Whether more runs on this machine than it has room for: then no time says anything.
pub fn overloaded() -> bool {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap();
    let load: f64 = text.split_whitespace().next().unwrap().parse().unwrap();
    load > 2.0 * std::thread::available_parallelism().unwrap().get() as f64
}
