//! The traits, implemented in memory.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bellwether_rollout::{Desired, FleetId, InstanceId};
use futures::{StreamExt, stream};
use tokio::sync::watch;

use super::{Behaviour, Fake, target::Target};
use crate::{Capabilities, Error, Fence, Platform, PlatformObserved, Result, Router, RouterObserved, Watch};

// === impl Fake ===

impl Fake {
    fn available(&self) -> Result<()> {
        match &self.lock().unavailable {
            Some(why) => Err(Error::Unavailable { driver: "fake".into(), why: why.clone() }),
            None => Ok(()),
        }
    }

    fn behaviour(&self, version: &str) -> Behaviour {
        let inner = self.lock();
        inner.by_version.get(version).copied().unwrap_or(inner.default)
    }

    /// Lets a new instance do what its version does.
    pub(super) fn animate(&self, target: &str, id: InstanceId) {
        let version = self.see(target, |it| {
            let instance = it.instances.get(&id)?;
            it.versions.get(&instance.fleet).cloned()
        });
        let Some(version) = version else { return };
        match self.behaviour(&version) {
            Behaviour::ByHand => {}
            Behaviour::ReadyAfter(Duration::ZERO) => self.ready(target, id),
            Behaviour::ReadyAfter(delay) => {
                let (fake, target) = (self.clone(), target.to_owned());
                bellwether_clock::spawn("fake-instance", async move {
                    tokio::time::sleep(delay).await;
                    fake.ready(&target, id);
                });
            }
            Behaviour::CrashAfter(delay) => {
                let (fake, target) = (self.clone(), target.to_owned());
                bellwether_clock::spawn("fake-instance", async move {
                    loop {
                        tokio::time::sleep(delay).await;
                        let there = fake.with(&target, |it, _| {
                            it.crash(id, 101);
                            it.instances.contains_key(&id)
                        });
                        if !there {
                            return;
                        }
                    }
                });
            }
        }
    }

    fn ready(&self, target: &str, id: InstanceId) {
        self.with(target, |it, _| {
            if let Some(instance) = it.instances.get_mut(&id) {
                instance.ready = true;
            }
        });
    }

    fn follow<T: Send + 'static>(&self, name: &str, look: fn(&Target) -> T) -> Watch<T> {
        let mut changes = self.lock().targets.entry(name.into()).or_default().changed.subscribe();
        changes.mark_changed();
        let start = Follow { fake: self.clone(), name: name.to_owned(), changes, look };
        stream::unfold(start, |mut follow| async move {
            follow.changes.changed().await.ok()?;
            let seen = follow.fake.available().map(|()| follow.fake.see(&follow.name, follow.look));
            Some((seen, follow))
        })
        .boxed()
    }
}

struct Follow<T> {
    fake: Fake,
    name: String,
    changes: watch::Receiver<u64>,
    look: fn(&Target) -> T,
}

#[async_trait]
impl Platform for Fake {
    async fn capabilities(&self) -> Result<Capabilities> {
        self.available()?;
        Ok(self.lock().capabilities)
    }

    async fn converge(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        self.available()?;
        let new = self.with(target, |it, env| {
            it.admit(fence)?;
            Ok(it.converge(desired, env))
        })?;
        new.into_iter().for_each(|id| self.animate(target, id));
        Ok(())
    }

    async fn observe(&self, target: &str) -> Result<PlatformObserved> {
        self.available()?;
        Ok(self.see(target, Target::platform))
    }

    fn watch(&self, target: &str) -> Watch<PlatformObserved> {
        self.follow(target, Target::platform)
    }

    async fn take_over(&self, target: &str, reason: &str) -> Result<()> {
        self.available()?;
        self.with(target, |it, _| it.taken_over = Some(reason.to_owned()));
        Ok(())
    }

    async fn hand_back(&self, target: &str) -> Result<()> {
        self.available()?;
        self.with(target, |it, _| it.taken_over = None);
        Ok(())
    }
}

#[async_trait]
impl Router for Fake {
    async fn capabilities(&self) -> Result<Capabilities> {
        Platform::capabilities(self).await
    }

    async fn route(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        self.available()?;
        self.with(target, |it, _| {
            it.admit(fence)?;
            it.route(desired)
        })
    }

    async fn observe(&self, target: &str) -> Result<RouterObserved> {
        self.available()?;
        Ok(self.see(target, Target::router))
    }

    fn watch(&self, target: &str) -> Watch<RouterObserved> {
        self.follow(target, Target::router)
    }

    async fn drain(&self, target: &str, fleet: FleetId, left: Duration, fence: Fence) -> Result<()> {
        self.available()?;
        self.with(target, |it, _| {
            it.admit(fence)?;
            it.drain(fleet, left.is_zero());
            Ok(())
        })?;
        let clings = self.see(target, |it| it.clinging.contains_key(&fleet));
        if clings {
            let (fake, target) = (self.clone(), target.to_owned());
            bellwether_clock::spawn("fake-drain", async move {
                tokio::time::sleep(left).await;
                fake.with(&target, |it, _| it.drain(fleet, true));
            });
        }
        Ok(())
    }
}

impl From<Fake> for crate::Driver {
    fn from(fake: Fake) -> Self {
        Self::both(Arc::new(fake))
    }
}
