//! The driver.

use std::time::Duration;

use async_trait::async_trait;
use bellwether_client::Transport;
use bellwether_clock::Env;
use bellwether_platform::{
    Capabilities, Fence, Platform, PlatformObserved, Result, Router, RouterObserved, Watch,
};
use bellwether_proto::agent::v1::{
    ConvergeRequest, Drain, DrainRequest, GetCapabilitiesRequest, HandBackRequest, ObserveRequest, Observed,
    RouteRequest, TakeOverRequest, agent_service_client::AgentServiceClient,
};
use bellwether_resource::time;
use bellwether_rollout::{Desired, FleetId};

use crate::{
    convert,
    error::{self, unavailable},
    watch,
};

/// The agent of one host as platform and router. Cheap to clone.
#[derive(Clone)]
pub struct AgentDriver {
    transport: Transport,
    env: Env,
}

// === impl AgentDriver ===

impl AgentDriver {
    /// Over this transport, which reconnects by itself.
    pub fn new(transport: Transport, env: Env) -> Self {
        Self { transport, env }
    }

    fn client(&self) -> AgentServiceClient<Transport> {
        AgentServiceClient::new(self.transport.clone())
    }

    async fn capabilities(&self) -> Result<Capabilities> {
        let answer = self.client().get_capabilities(GetCapabilitiesRequest {}).await;
        Ok(convert::capabilities(&answer.map_err(unavailable)?.into_inner()))
    }

    async fn send(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        let desired = Some(convert::desired(target, desired)?);
        let request = ConvergeRequest { fence: Some(convert::fence(fence)), desired };
        self.client().converge(request).await.map_err(|status| error::of(status, fence))?;
        Ok(())
    }

    async fn seen(&self, target: &str) -> Result<Observed> {
        let target = convert::name(target);
        let answer = self.client().observe(ObserveRequest { target: target.clone() }).await;
        match answer {
            Ok(answer) => Ok(answer.into_inner().observed.unwrap_or_default()),
            Err(status) if error::is_unknown(&status) => Ok(Observed { target, ..Observed::default() }),
            Err(status) => Err(unavailable(status)),
        }
    }
}

#[async_trait]
impl Platform for AgentDriver {
    async fn capabilities(&self) -> Result<Capabilities> {
        AgentDriver::capabilities(self).await
    }

    async fn converge(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        self.send(target, desired, fence).await
    }

    async fn observe(&self, target: &str) -> Result<PlatformObserved> {
        Ok(convert::platform_observed(self.seen(target).await?))
    }

    fn watch(&self, target: &str) -> Watch<PlatformObserved> {
        watch::observed(self.client(), self.env.clone(), convert::name(target), convert::platform_observed)
    }

    async fn take_over(&self, target: &str, reason: &str) -> Result<()> {
        let (target, reason) = (convert::name(target), reason.to_owned());
        let request = TakeOverRequest { target, fleet: String::new(), reason };
        self.client().take_over(request).await.map_err(unavailable)?;
        Ok(())
    }

    async fn hand_back(&self, target: &str) -> Result<()> {
        let reason = "handed back by the executor".to_owned();
        let request = HandBackRequest { target: convert::name(target), reason };
        match self.client().hand_back(request).await {
            Err(status) if !error::is_reason(&status, "NOT_TAKEN_OVER") => Err(unavailable(status)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Router for AgentDriver {
    async fn capabilities(&self) -> Result<Capabilities> {
        AgentDriver::capabilities(self).await
    }

    /// A target that the agent does not know yet has no way in: then the whole wish goes there.
    async fn route(&self, target: &str, desired: &Desired, fence: Fence) -> Result<()> {
        let route = Some(convert::route(desired));
        let request =
            RouteRequest { fence: Some(convert::fence(fence)), target: convert::name(target), route };
        match self.client().route(request).await {
            Ok(_) => Ok(()),
            Err(status) if error::is_unknown(&status) => self.send(target, desired, fence).await,
            Err(status) => Err(error::of(status, fence)),
        }
    }

    async fn observe(&self, target: &str) -> Result<RouterObserved> {
        Ok(convert::router_observed(self.seen(target).await?))
    }

    fn watch(&self, target: &str) -> Watch<RouterObserved> {
        watch::observed(self.client(), self.env.clone(), convert::name(target), convert::router_observed)
    }

    async fn drain(&self, target: &str, fleet: FleetId, left: Duration, fence: Fence) -> Result<()> {
        let drain = Some(Drain { fleet: fleet.to_string(), time_left: Some(time::to_duration(left)) });
        let request =
            DrainRequest { fence: Some(convert::fence(fence)), target: convert::name(target), drain };
        match self.client().drain(request).await {
            Ok(_) => Ok(()),
            // a fleet that is not there has nothing open
            Err(status) if error::is_unknown(&status) => Ok(()),
            Err(status) => Err(error::of(status, fence)),
        }
    }
}
