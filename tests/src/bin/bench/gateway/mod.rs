//! The gateway beside HAProxy and Envoy: the same instances, the same load, in turns. Each has as many threads as there
//! are cores; the gateway counts for the monitor all the while.

mod load;
mod peers;

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use bellwether_proto::agent::v1::ObserveRequest;
use bellwether_tests::stack::Stack;

use self::{
    load::Measured,
    peers::{Peer, peers},
};
use crate::{
    figures::Figures,
    on_agent::{App, Served},
    run::Run,
    stats::{max, median},
};

const CONNECTIONS: usize = 64;
const INSTANCES: i32 = 2;

/// What was found of one address, round by round.
#[derive(Default)]
struct Found {
    rps: Vec<f64>,
    p99: Vec<f64>,
}

/// Throughput with all connections busy; latency at half of that of the gateway.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let stack = Stack::up(&run.program).await?;
    let served = Served::start(&stack, run, "quick", App::Quick, INSTANCES).await?;
    let instances = instances(&stack, served.name()).await?;
    let directory = tempfile::tempdir()?;
    let peers = peers(directory.path(), &instances).await?;
    let (rounds, span) = run.pick((7, Duration::from_secs(5)), (1, Duration::from_secs(2)));
    // the first round finds cold caches
    load::closed(&[served.front], CONNECTIONS, run.pick(2, 1) * Duration::from_secs(1), &run.env).await?;
    let (mut ours, mut direct) = (Found::default(), Found::default());
    let mut theirs: Vec<Found> = peers.iter().map(|_| Found::default()).collect();
    for _ in 0..rounds {
        ours.rps.push(throughput(&[served.front], span, run).await?.rps());
        for (peer, found) in peers.iter().zip(&mut theirs) {
            found.rps.push(throughput(&[peer.address], span, run).await?.rps());
        }
    }
    let half = median(&ours.rps) / 2.0;
    for _ in 0..rounds {
        direct.p99.push(paced(&instances, half, span, run).await?);
        ours.p99.push(paced(&[served.front], half, span, run).await?);
        for (peer, found) in peers.iter().zip(&mut theirs) {
            found.p99.push(paced(&[peer.address], half, span, run).await?);
        }
    }
    Ok(figures(&ours, &direct, &peers, &theirs, half))
}

fn figures(ours: &Found, direct: &Found, peers: &[Peer], theirs: &[Found], half: f64) -> Figures {
    let (rps, base) = (median(&ours.rps), median(&direct.p99));
    let added = median(&ours.p99) - base;
    let mut figures = Figures::default();
    figures.note(format!("gateway: {rps:.0} requests/s (best {:.0}), p99 + {added:.2} ms", max(&ours.rps)));
    for (peer, found) in peers.iter().zip(theirs) {
        let ratios: Vec<f64> = ours.rps.iter().zip(&found.rps).map(|(ours, theirs)| ours / theirs).collect();
        let ratio = median(&ratios);
        figures.number(peer.figure, ratio);
        figures.goal(&format!("at least {} of {}'s throughput", peer.goal, peer.name), ratio >= peer.goal);
        figures.note(format!(
            "{}: {:.0} requests/s (best {:.0}), p99 + {:.2} ms",
            peer.name,
            median(&found.rps),
            max(&found.rps),
            median(&found.p99) - base
        ));
    }
    for name in peers::absent(peers) {
        figures.note(format!("skipped: {name} not installed"));
    }
    figures.number("added_p99_ms", added);
    figures.goal("less than 1 ms added at p99, at half load", added < 1.0);
    figures
        .note(format!("half load is {half:.0} requests/s; {CONNECTIONS} connections, {INSTANCES} instances"));
    figures
}

async fn throughput(to: &[SocketAddr], span: Duration, run: &Run) -> anyhow::Result<Measured> {
    let measured = load::closed(to, CONNECTIONS, span, &run.env).await?;
    ensure!(measured.answers() > 0, "nothing came back from {to:?}");
    Ok(measured)
}

/// p99 in milliseconds at this rate.
async fn paced(to: &[SocketAddr], rps: f64, span: Duration, run: &Run) -> anyhow::Result<f64> {
    Ok(load::paced(to, CONNECTIONS, rps, span, &run.env).await?.millis(0.99))
}

/// Where the instances are: the agent knows.
async fn instances(stack: &Stack, target: &str) -> anyhow::Result<Vec<SocketAddr>> {
    let mut agent = stack.agent()?;
    let observed = agent.observe(ObserveRequest { target: target.to_owned() }).await?.into_inner().observed;
    let instances = observed.map(|observed| observed.instances).unwrap_or_default();
    let found: Vec<SocketAddr> =
        instances.iter().filter(|it| it.ready).filter_map(|it| it.address.parse().ok()).collect();
    ensure!(found.len() == INSTANCES as usize, "wanted {INSTANCES} instances, and there are {instances:#?}");
    Ok(found)
}
