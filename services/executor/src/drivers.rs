//! The platforms and routers that targets may name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bellwether_platform::{Capabilities, Driver, Error, Platform, Router};
use bellwether_resource::error::{PreconditionKind, Problem};
use bellwether_rollout::{StartRequest, TargetSpec, recipe};

use crate::problem::{MISSING_CAPABILITY, PLATFORM_UNAVAILABLE};

/// Drivers by name, in the order in which they were added; the first platform is the default.
#[derive(Clone, Default)]
pub struct Drivers {
    names: Vec<String>,
    platforms: BTreeMap<String, Arc<dyn Platform>>,
    routers: BTreeMap<String, Arc<dyn Router>>,
    /// What each pair could do when it was last asked.
    known: Arc<Mutex<BTreeMap<(String, String), Capabilities>>>,
}

// === impl Drivers ===

impl Drivers {
    /// No drivers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a driver that runs instances and routes to them.
    #[must_use]
    pub fn with<D: Platform + Router>(self, name: &str, driver: Arc<D>) -> Self {
        self.with_platform(name, driver.clone()).with_router(name, driver)
    }

    /// Adds a platform.
    #[must_use]
    pub fn with_platform(mut self, name: &str, platform: Arc<dyn Platform>) -> Self {
        self.names.push(name.to_owned());
        self.platforms.insert(name.to_owned(), platform);
        self
    }

    /// Adds a router.
    #[must_use]
    pub fn with_router(mut self, name: &str, router: Arc<dyn Router>) -> Self {
        self.routers.insert(name.to_owned(), router);
        self
    }

    /// The names of the platforms, the default first.
    pub(crate) fn platforms(&self) -> &[String] {
        &self.names
    }

    /// The names of the routers.
    pub(crate) fn routers(&self) -> Vec<String> {
        self.routers.keys().cloned().collect()
    }

    /// A platform with its router; where no router is named, the platform's own.
    pub(crate) fn get(&self, platform: &str, router: &str) -> Option<Driver> {
        let router = if router.is_empty() { platform } else { router };
        let (platform, router) = (self.platforms.get(platform)?, self.routers.get(router)?);
        Some(Driver::new(platform.clone(), router.clone()))
    }

    /// Refuses a rollout that its target's platform and router cannot carry out, with everything that is missing.
    /// `first`: nothing serves yet.
    ///
    /// # Errors
    /// `MISSING_CAPABILITY`; `PLATFORM_UNAVAILABLE` where nobody knows what they can do.
    pub(crate) async fn require(
        &self,
        spec: &TargetSpec,
        request: &StartRequest,
        first: bool,
    ) -> Result<(), Problem> {
        let capabilities = self.capabilities(spec).await.map_err(|error| {
            PLATFORM_UNAVAILABLE.because(format!("what {} can do is not known: {error}", spec.platform))
        })?;
        let steps = recipe::steps(&request.strategy, spec.instances, first);
        let missing = capabilities.missing(&steps, &request.policies, spec.instances, first);
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<_> = missing.iter().map(|it| it.capability.as_str()).collect();
        let text = format!("the platform {} cannot {}", spec.platform, names.join(", "));
        Err(missing.iter().fold(MISSING_CAPABILITY.because(text), |problem, missing| {
            let why = format!("needed by {}", missing.needed_by);
            problem.precondition(PreconditionKind::State, format!("capabilities/{}", missing.capability), why)
        }))
    }

    /// What a target's platform and router could do when they were last asked; none: they have not been, or did not answer.
    pub(crate) fn known(&self, platform: &str, router: &str) -> Option<Capabilities> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(platform.to_owned(), router.to_owned())).copied()
    }

    /// What a target's platform and router can do: asked, or as last known where they do not answer.
    pub(crate) async fn capabilities(&self, spec: &TargetSpec) -> Result<Capabilities, Error> {
        let key = (spec.platform.clone(), spec.router.clone());
        let unknown = || Error::Unavailable { driver: spec.platform.clone(), why: "no such driver".into() };
        let driver = self.get(&key.0, &key.1).ok_or_else(unknown)?;
        let asked = driver.capabilities().await;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match (asked, known.get(&key)) {
            (Ok(capabilities), _) => {
                known.insert(key, capabilities);
                Ok(capabilities)
            }
            (Err(_), Some(before)) => Ok(*before),
            (Err(error), None) => Err(error),
        }
    }
}
