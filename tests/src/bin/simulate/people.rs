//! The people: they set everything up, hand releases in while everything fails, and wait until all of it has ended.

use std::{collections::BTreeMap, time::Duration};

use anyhow::Context as _;
use bellwether_client::{Calls, Transport};
use bellwether_proto::{
    notifier::v1::{
        ApplyRoutingRequest, Delivery, ListDeliveriesRequest, Receiver, Route, Routing, WebhookChannel,
        delivery, notifier_service_client::NotifierServiceClient, receiver::Channel,
    },
    planner::v1::{
        AbortReleaseRequest, ApplyApplicationRequest, ApplyEnvironmentRequest, GetReleaseRequest, Release,
        SubmitReleaseRequest, release::State, release_planner_service_client::ReleasePlannerServiceClient,
    },
};
use bellwether_tests::chance::Chance;

use crate::{
    net::as_person,
    shop::{self, Recipe},
    web::receiver_url,
    world::World,
};

pub(crate) use crate::shop::{TARGETS, Temper};

/// How long a call is made again while nobody answers.
const PATIENCE: Duration = Duration::from_secs(300);
/// Until everything that was begun must have ended, from the last fault on.
pub(crate) const SETTLING: Duration = Duration::from_secs(600);
/// Until everything must have been told: a message that failed three times while everything did waits for half an hour.
pub(crate) const TELLING: Duration = Duration::from_secs(3000);
/// How long a release is waited for before the next one comes in its way.
const PATIENCE_WITH_ONE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(250);
const LOOK_AT_DELIVERIES: Duration = Duration::from_secs(2);

/// What the people did and got.
#[derive(Default)]
pub(crate) struct Story {
    /// Every release as it was last seen, by name.
    pub(crate) releases: BTreeMap<String, Release>,
    /// Every release that somebody aborted.
    pub(crate) aborted: Vec<String>,
    /// Everything that was to be told.
    pub(crate) deliveries: Vec<Delivery>,
    /// Everything has ended and was told.
    pub(crate) settled: bool,
}

struct People {
    world: World,
    calls: Calls,
    planner: Transport,
    notifier: Transport,
    quiet_from: Duration,
}

/// Lives through the story; `quiet_from`: when the last fault is over.
pub(crate) async fn live(world: World, quiet_from: Duration) -> anyhow::Result<()> {
    let calls = Calls::new(world.env(World::PEOPLE)).patience(PATIENCE);
    let (planner, notifier) = (as_person(World::PLANNER)?, as_person(World::NOTIFIER)?);
    let people = People { world, calls, planner, notifier, quiet_from };
    people.set_up().await.context("setting up")?;
    tokio::try_join!(people.release("shop"), people.release("cart"))?;
    people.settle().await
}

// === impl People ===

impl People {
    fn planner(&self) -> ReleasePlannerServiceClient<Transport> {
        ReleasePlannerServiceClient::new(self.planner.clone())
    }

    fn notifier(&self) -> NotifierServiceClient<Transport> {
        NotifierServiceClient::new(self.notifier.clone())
    }

    async fn set_up(&self) -> anyhow::Result<()> {
        let webhook = WebhookChannel { url: receiver_url(), ..Default::default() };
        let receiver = Receiver {
            name: "keeps".to_owned(),
            channel: Some(Channel::Webhook(webhook)),
            ..Default::default()
        };
        let route = Route { receiver: "keeps".to_owned(), ..Default::default() };
        let routing = Some(Routing { receivers: vec![receiver], route: Some(route), ..Default::default() });
        let request = ApplyRoutingRequest { request_id: "routing".to_owned(), routing, ..Default::default() };
        self.calls.change("routing", async || self.notifier().apply_routing(request.clone()).await).await?;
        for environment in shop::environments() {
            let id = environment.name.clone();
            let request = ApplyEnvironmentRequest {
                request_id: id.clone(),
                environment: Some(environment),
                ..Default::default()
            };
            self.calls.change(&id, async || self.planner().apply_environment(request.clone()).await).await?;
        }
        for application in shop::applications() {
            let id = application.name.clone();
            let request = ApplyApplicationRequest {
                request_id: id.clone(),
                application: Some(application),
                ..Default::default()
            };
            self.calls.change(&id, async || self.planner().apply_application(request.clone()).await).await?;
        }
        Ok(())
    }

    /// Releases versions of an application: some wait for the one before, some come in its way, some are aborted.
    async fn release(&self, application: &str) -> anyhow::Result<()> {
        let mut chance = Chance::new(self.world.seed(), application);
        for index in 0.. {
            // the last one comes when all is well again, and must be good
            let is_last = index > 1 && turmoil::sim_elapsed().unwrap_or_default() >= self.quiet_from;
            let recipe = if index == 0 || is_last { Recipe::good(index) } else { Recipe::any(&mut chance) };
            let name = self.submit(application, index, &recipe).await?;
            if is_last {
                break;
            }
            if index > 0 && chance.once_in(6) {
                tokio::time::sleep(chance.between(Duration::from_secs(1), Duration::from_secs(8))).await;
                self.abort(&name).await;
            }
            if index == 0 || chance.below(3) > 0 {
                self.ended(&name, Some(PATIENCE_WITH_ONE)).await?;
            } else {
                tokio::time::sleep(chance.between(Duration::ZERO, Duration::from_secs(10))).await;
            }
            tokio::time::sleep(chance.between(Duration::ZERO, Duration::from_secs(4))).await;
        }
        Ok(())
    }

    async fn submit(&self, application: &str, index: usize, recipe: &Recipe) -> anyhow::Result<String> {
        let request_id = format!("{application}-{index}");
        let request = SubmitReleaseRequest {
            request_id: request_id.clone(),
            application: application.to_owned(),
            bundle: Some(recipe.bundle(index)),
            ..Default::default()
        };
        let submit = async || self.planner().submit_release(request.clone()).await;
        let answer = self.calls.change(&request_id, submit).await.context("submitting")?;
        let release = answer.release.context("an answer without a release")?;
        self.world.trace().line(World::PEOPLE, format_args!("{} is {request_id}", release.name));
        let name = release.name.clone();
        self.world.story().releases.insert(name.clone(), release);
        Ok(name)
    }

    /// Aborts a release; one that has ended by then cannot be aborted.
    async fn abort(&self, name: &str) {
        let request = AbortReleaseRequest {
            request_id: format!("abort-{name}"),
            name: name.to_owned(),
            reason: "somebody changed their mind".to_owned(),
            ..Default::default()
        };
        let abort = async || self.planner().abort_release(request.clone()).await;
        let aborted = self.calls.change(&request.request_id, abort).await;
        let outcome = aborted.map_or_else(|error| error.to_string(), |_| "aborted".to_owned());
        self.world.trace().line(World::PEOPLE, format_args!("{name}: {outcome}"));
        self.world.story().aborted.push(name.to_owned());
    }

    /// Waits until nothing is at work any more for a release, or so long.
    async fn ended(&self, name: &str, limit: Option<Duration>) -> anyhow::Result<()> {
        let begun = self.world.env(World::PEOPLE).now();
        let mut every = tokio::time::interval(LOOK);
        loop {
            every.tick().await;
            let request = GetReleaseRequest { name: name.to_owned() };
            let get = async || self.planner().get_release(request.clone()).await;
            let answer = self.calls.read(get).await.context("reading a release")?;
            let release = answer.release.context("an answer without a release")?;
            let state = release.state();
            let ended = !matches!(state, State::Waiting | State::RollingOut | State::Soaking);
            let state = state.as_str_name();
            self.world.story().releases.insert(name.to_owned(), release);
            if ended {
                self.world.trace().line(World::PEOPLE, format_args!("{name} has ended: {state}"));
                return Ok(());
            }
            if limit.is_some_and(|limit| self.world.env(World::PEOPLE).since(begun) > limit) {
                return Ok(());
            }
            anyhow::ensure!(!self.is_past(SETTLING), "{name} has not ended: {state}");
        }
    }

    /// Waits until everything has ended, everybody has been told, and the outsider has seen it.
    async fn settle(&self) -> anyhow::Result<()> {
        let names: Vec<String> = self.world.story().releases.keys().cloned().collect();
        for name in names {
            self.ended(&name, None).await?;
        }
        let mut every = tokio::time::interval(LOOK_AT_DELIVERIES);
        loop {
            every.tick().await;
            let deliveries = self.deliveries().await?;
            let open = deliveries.iter().filter(|it| it.state() == delivery::State::Pending).count();
            let problem = match crate::verify::at_rest(&self.world) {
                Ok(()) if open == 0 => {
                    let mut story = self.world.story();
                    (story.deliveries, story.settled) = (deliveries, true);
                    return Ok(());
                }
                Ok(()) => anyhow::anyhow!("{open} deliveries are open"),
                Err(problem) => problem,
            };
            anyhow::ensure!(!self.is_past(TELLING), "not settled: {problem:#}");
        }
    }

    async fn deliveries(&self) -> anyhow::Result<Vec<Delivery>> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListDeliveriesRequest { page_size: 500, page_token, ..Default::default() };
            let list = async || self.notifier().list_deliveries(request.clone()).await;
            let page = self.calls.read(list).await.context("listing deliveries")?;
            all.extend(page.deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(all);
            }
        }
    }

    fn is_past(&self, patience: Duration) -> bool {
        turmoil::sim_elapsed().unwrap_or_default() > self.quiet_from + patience
    }
}
