//! The hosts that serve: each one of the real services, over its disk and the simulated network.

use std::sync::Arc;

use bellwether_driver_agent::AgentDriver;
use bellwether_egress::{AddressPolicy, Client};
use bellwether_executor::{AllowList, Drivers, GrpcMonitor, Hooks, MonitorSource};
use bellwether_proto::agent::v1::agent_service_server::AgentServiceServer;
use bellwether_server::{Metrics, Server, Shutdown};

use crate::{
    agent::{Agent, instances, samples},
    journal,
    net::{Simulated, as_service},
    web::Wire,
    world::World,
};

/// Serves what is registered until the host crashes; that it ends by itself is a mistake.
async fn serve(
    world: &World,
    host: &str,
    metrics: Metrics,
    shutdown: Shutdown,
    register: impl FnOnce(Server) -> Server,
) -> anyhow::Result<()> {
    let listener = Simulated::bind().await?;
    let server = register(Server::new(world.env(host), world.serving(), metrics));
    server.serve(listener, shutdown).await?;
    anyhow::bail!("the {host} has stopped by itself")
}

pub(crate) async fn planner(world: World) -> anyhow::Result<()> {
    let (host, metrics, shutdown) = (World::PLANNER, Metrics::new(), Shutdown::new());
    let to = |other| as_service(&world, other, bellwether_release_planner::NAME);
    let others = bellwether_release_planner::Others {
        executor: to(World::EXECUTOR)?,
        monitor: Some(to(World::MONITOR)?),
    };
    let journal = journal::open(&world, host);
    let service = bellwether_release_planner::assemble(
        journal,
        others,
        world.env(host),
        metrics.clone(),
        shutdown.clone(),
    )
    .await?;
    serve(&world, host, metrics, shutdown, |server| service.register(server)).await
}

pub(crate) async fn executor(world: World) -> anyhow::Result<()> {
    let (host, metrics, shutdown) = (World::EXECUTOR, Metrics::new(), Shutdown::new());
    let env = world.env(host);
    let agent = as_service(&world, World::PLATFORM, bellwether_executor::NAME)?;
    let monitor = GrpcMonitor::new(as_service(&world, World::MONITOR, bellwether_executor::NAME)?);
    let parts = bellwether_executor::Parts {
        drivers: Drivers::new().with("agent", Arc::new(AgentDriver::new(agent, env.clone()))),
        monitor: Some(Arc::new(monitor) as Arc<dyn MonitorSource>),
        hooks: Hooks::new(AddressPolicy::allowing(Vec::new()), AllowList::default())?,
        metrics: metrics.clone(),
        shutdown: shutdown.clone(),
    };
    let service = bellwether_executor::assemble(journal::open(&world, host), env, parts).await?;
    serve(&world, host, metrics, shutdown, |server| service.register(server)).await
}

pub(crate) async fn monitor(world: World) -> anyhow::Result<()> {
    let (host, metrics) = (World::MONITOR, Metrics::new());
    let journal = journal::open(&world, host);
    let service = bellwether_health_monitor::assemble(journal, None, world.env(host), &metrics).await?;
    serve(&world, host, metrics, Shutdown::new(), |server| service.register(server)).await
}

pub(crate) async fn notifier(world: World) -> anyhow::Result<()> {
    let (host, metrics, shutdown) = (World::NOTIFIER, Metrics::new(), Shutdown::new());
    let to = |other| as_service(&world, other, bellwether_notifier::NAME).map(Some);
    let parts = bellwether_notifier::Parts {
        journal: journal::open(&world, host),
        client: Client::over(AddressPolicy::allowing(Vec::new()), Wire),
        sources: bellwether_notifier::Sources {
            planner: to(World::PLANNER)?,
            executor: to(World::EXECUTOR)?,
            monitor: to(World::MONITOR)?,
        },
    };
    let config = bellwether_notifier::Config {
        journal: String::new(),
        standby: false,
        service_token: None,
        args: bellwether_notifier::NotifierArgs::default(),
        retry: Default::default(),
        breaker: Default::default(),
        keep: Default::default(),
        limits: Default::default(),
    };
    let env = world.env(host);
    let service = bellwether_notifier::assemble(parts, config, env, &metrics, shutdown.clone()).await?;
    serve(&world, host, metrics, shutdown, |server| service.register(server)).await
}

pub(crate) async fn platform(world: World) -> anyhow::Result<()> {
    bellwether_clock::spawn("instances", instances::live(world.clone()));
    bellwether_clock::spawn("samples", samples::push(world.clone()));
    let agent = AgentServiceServer::new(Agent::new(world.clone()));
    serve(&world, World::PLATFORM, Metrics::new(), Shutdown::new(), |server| server.add_service(agent)).await
}
