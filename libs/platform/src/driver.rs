//! A platform and a router as one thing that a target converges on.

use std::{sync::Arc, time::Duration};

use bellwether_rollout::{Desired, FleetId, Observed};
use futures::{Stream, StreamExt, stream};

use crate::{Capabilities, Error, Fence, Platform, PlatformObserved, Result, Router, RouterObserved};

/// A platform and the router in front of it. Cheap to clone.
#[derive(Clone)]
pub struct Driver {
    platform: Arc<dyn Platform>,
    router: Arc<dyn Router>,
}

/// What was last seen of each.
#[derive(Default)]
struct Seen {
    platform: Option<PlatformObserved>,
    router: Option<RouterObserved>,
}

enum Part {
    Platform(PlatformObserved),
    Router(RouterObserved),
}

// === impl Driver ===

impl Driver {
    /// A platform with a router of another kind.
    pub fn new(platform: Arc<dyn Platform>, router: Arc<dyn Router>) -> Self {
        Self { platform, router }
    }

    /// A driver that is both.
    pub fn both<D: Platform + Router>(driver: Arc<D>) -> Self {
        Self { platform: driver.clone(), router: driver }
    }

    /// What both can do together.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn capabilities(&self) -> Result<Capabilities> {
        Ok(self.platform.capabilities().await?.with_router(self.router.capabilities().await?))
    }

    /// Makes the target as `desired` says: traffic first (it is what hurts), then drains, then instances. Each
    /// desired state is safe by itself, so the order is one of speed only. Does nothing with `hands_off`.
    ///
    /// # Errors
    /// The router's error is reported only after the platform was told too, and before the platform's.
    pub async fn converge(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        if desired.hands_off {
            return Ok(());
        }
        let routed = self.route(target, desired, fence).await;
        if let Err(error @ (Error::Fenced { .. } | Error::TakenOver { .. })) = routed {
            return Err(error);
        }
        let converged = self.platform.converge(target, desired, fence).await;
        routed.and(converged)
    }

    /// Only the traffic and the drains of [`Driver::converge`].
    ///
    /// # Errors
    /// The router's.
    pub async fn route(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        self.router.route(target, desired, fence).await?;
        for drain in &desired.drains {
            self.drain(target, drain.fleet, drain.left, fence).await?;
        }
        Ok(())
    }

    /// See [`Router::drain`].
    ///
    /// # Errors
    /// The router's.
    pub async fn drain(&self, target: &str, fleet: FleetId, left: Duration, fence: Fence) -> Result<()> {
        self.router.drain(target, fleet, left, fence).await
    }

    /// What runs and who gets traffic.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn observe(&self, target: &str) -> Result<Observed> {
        let (platform, router) = futures::join!(self.platform.observe(target), self.router.observe(target));
        Ok(joined(&platform?, &router?))
    }

    /// What runs and who gets traffic: once both are seen, and with each change of either.
    pub fn watch(&self, target: &str) -> impl Stream<Item = Result<Observed>> + Send + use<> {
        let platform = self.platform.watch(target).map(|it| it.map(Part::Platform));
        let router = self.router.watch(target).map(|it| it.map(Part::Router));
        stream::select(platform, router)
            .scan(Seen::default(), |seen, part| futures::future::ready(Some(seen.take(part))))
            .filter_map(futures::future::ready)
    }

    /// See [`Platform::take_over`].
    ///
    /// # Errors
    /// The platform's.
    pub async fn take_over(&self, target: &str, reason: &str) -> Result<()> {
        self.platform.take_over(target, reason).await
    }

    /// See [`Platform::hand_back`].
    ///
    /// # Errors
    /// The platform's.
    pub async fn hand_back(&self, target: &str) -> Result<()> {
        self.platform.hand_back(target).await
    }
}

/// The generation that both have applied.
fn joined(platform: &PlatformObserved, router: &RouterObserved) -> Observed {
    Observed {
        generation: router.generation.map_or(platform.generation, |it| it.min(platform.generation)),
        instances: platform.instances.clone(),
        split: router.split.clone(),
        route_revision: router.route_revision,
        drained: router.drained.clone(),
        taken_over: platform.taken_over.clone(),
        problems: platform.problems.iter().chain(&router.problems).cloned().collect(),
    }
}

// === impl Seen ===

impl Seen {
    fn take(&mut self, part: Result<Part>) -> Option<Result<Observed>> {
        match part {
            Ok(Part::Platform(it)) => self.platform = Some(it),
            Ok(Part::Router(it)) => self.router = Some(it),
            Err(error) => return Some(Err(error)),
        }
        let (Some(platform), Some(router)) = (&self.platform, &self.router) else { return None };
        Some(Ok(joined(platform, router)))
    }
}
