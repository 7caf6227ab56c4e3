//! Targets on the real agent, with real processes behind a real gateway.

use std::{collections::HashMap, net::SocketAddr};

use bellwether_proto::{
    executor::v1::{
        Artifact, Check, FleetSpec, Ingress, StartRolloutRequest, Strategy, Target, artifact::Source,
        check::Kind, rollout::State,
    },
    monitor::v1::HealthPolicy,
};
use bellwether_tests::{
    shop::millis,
    stack::{Stack, free_address},
};

use crate::{direct, instance, run::Run};

/// What runs.
#[derive(Debug, Clone, Copy)]
pub enum App {
    /// The demonstration's shop, which can be told to fail.
    Shop,
    /// The benchmarks' own: quick answers and streams.
    Quick,
}

/// A target that serves.
pub struct Served {
    name: String,
    app: App,
    program: String,
    /// Where its users reach it.
    pub front: SocketAddr,
}

// === impl Served ===

impl Served {
    /// A target with this many instances of version 0.
    ///
    /// # Errors
    /// When they do not come to serve.
    pub async fn start(
        stack: &Stack,
        run: &Run,
        application: &str,
        app: App,
        instances: i32,
    ) -> anyhow::Result<Self> {
        let name = format!("targets/{application}@bench");
        let served = Self { name, app, program: run.program.clone(), front: free_address()? };
        let ingress = Ingress { listen: served.front.to_string(), ..Default::default() };
        let target =
            Target { name: served.name.clone(), instances, ingress: vec![ingress], ..Default::default() };
        direct::apply(stack, target).await?;
        let rollout = direct::start(stack, served.release("0", direct::at_once(), &[])).await?;
        direct::ends(stack, &rollout, State::Succeeded).await?;
        Ok(served)
    }

    /// A release of this version, so configured. It is judged from its first request on.
    pub fn release(
        &self,
        version: &str,
        strategy: Strategy,
        configuration: &[(&str, &str)],
    ) -> StartRolloutRequest {
        let word = match self.app {
            App::Shop => "demo-shop",
            App::Quick => instance::WORD,
        };
        let env = configuration.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let spec = FleetSpec {
            version: version.to_owned(),
            artifact: Some(Artifact {
                name: "app".to_owned(),
                digest: String::new(),
                source: Some(Source::Path(self.program.clone())),
            }),
            command: vec!["{artifact}".to_owned(), word.to_owned()],
            env: env.collect::<HashMap<_, _>>(),
            ready: Some(Check {
                kind: Some(Kind::HttpPath("/healthz".to_owned())),
                interval: millis(50),
                ..Default::default()
            }),
            ..Default::default()
        };
        let health = HealthPolicy { warm_up: millis(500), ..Default::default() };
        let request = direct::rollout(&self.name, version, strategy);
        StartRolloutRequest { spec: Some(spec), health: Some(health), ..request }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
