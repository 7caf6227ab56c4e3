//! The gateway beside HAProxy and Envoy: the same instances, the same load, in turns. Each has as many threads as there
//! are cores; the gateway counts for the monitor all the while.

mod answer;
mod load;
mod paced;
mod peers;
mod rounds;
mod undisturbed;

use std::{net::SocketAddr, time::Duration};

use anyhow::ensure;
use bellwether_proto::agent::v1::ObserveRequest;
use bellwether_tests::stack::Stack;

use self::{
    load::throughput,
    peers::{Peer, peers},
    rounds::{Found, Loads},
    undisturbed::Undisturbed,
};
use crate::{
    figures::Figures,
    on_agent::{App, Served},
    run::Run,
    stats::median,
};

const CONNECTIONS: usize = 64;
const INSTANCES: i32 = 2;

/// Throughput with all connections busy; latency at half of that of the gateway.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let stack = Stack::up(&run.program).await?;
    let served = Served::start(&stack, run, "quick", App::Quick, INSTANCES).await?;
    let instances = instances(&stack, served.name()).await?;
    let directory = tempfile::tempdir()?;
    let peers = peers(directory.path(), &instances).await?;
    let (rounds, span) = run.pick((7, Duration::from_secs(5)), (1, Duration::from_secs(2)));
    // the first round finds cold caches
    throughput(served.front, CONNECTIONS, run.pick(2, 1) * Duration::from_secs(1), &run.env).await?;
    let (mut ours, mut direct) = (Found::default(), Found::default());
    let mut theirs: Vec<Found> = peers.iter().map(|_| Found::default()).collect();
    for _ in 0..rounds {
        ours.rps.push(throughput(served.front, CONNECTIONS, span, &run.env).await?);
        for (peer, found) in peers.iter().zip(&mut theirs) {
            found.rps.push(throughput(peer.address, CONNECTIONS, span, &run.env).await?);
        }
    }
    let half = median(&ours.rps) / 2.0;
    let loads = Loads { instances: &instances, front: served.front, peers: &peers, rounds, half, span };
    loads.put_on(&mut direct, &mut ours, &mut theirs, run).await?;
    let mut figures = figures(&ours, &direct, &peers, &theirs, half);
    match Undisturbed::begin() {
        Some(_undisturbed) => {
            let (mut ours, mut direct) = (Found::default(), Found::default());
            let mut theirs: Vec<Found> = peers.iter().map(|_| Found::default()).collect();
            loads.put_on(&mut direct, &mut ours, &mut theirs, run).await?;
            undisturbed(&mut figures, &ours, &direct, &peers, &theirs);
        }
        None => {
            figures.note("skipped: latency with all that take part scheduled first (it takes chrt and root)")
        }
    }
    Ok(figures)
}

/// What is left without the scheduler.
fn undisturbed(figures: &mut Figures, ours: &Found, direct: &Found, peers: &[Peer], theirs: &[Found]) {
    let added = ours.added(direct);
    figures.number("added_p99_undisturbed_ms", added);
    figures.goal("the same with all that take part scheduled first", added < 1.0);
    let peers = peers.iter().zip(theirs);
    let words: Vec<String> =
        peers.map(|(peer, found)| format!(", {} + {:.3} ms", peer.name, found.added(direct))).collect();
    figures.note(format!(
        "scheduled first: p99 without a gateway {:.3} ms, gateway + {added:.3} ms{}",
        median(&direct.p99),
        words.concat()
    ));
}

fn figures(ours: &Found, direct: &Found, peers: &[Peer], theirs: &[Found], half: f64) -> Figures {
    let mut figures = Figures::default();
    let added = ours.added(direct);
    figures.note(format!("gateway: {}", ours.words(direct)));
    for (peer, found) in peers.iter().zip(theirs) {
        let ratios: Vec<f64> = ours.rps.iter().zip(&found.rps).map(|(ours, theirs)| ours / theirs).collect();
        let ratio = median(&ratios);
        figures.number(peer.figure, ratio);
        figures.goal(&format!("at least {} of {}'s throughput", peer.goal, peer.name), ratio >= peer.goal);
        let more = ours.added(found);
        figures.goal(&format!("at p99 less than 1 ms above {}, at half load", peer.name), more < 1.0);
        figures.note(format!("{}: {}", peer.name, found.words(direct)));
    }
    for name in peers::absent(peers) {
        figures.note(format!("skipped: {name} not installed"));
    }
    figures.number("added_p99_ms", added);
    figures.goal("less than 1 ms added at p99, at half load", added < 1.0);
    figures.note(format!(
        "half load is {half:.0} requests/s; {CONNECTIONS} connections, {INSTANCES} instances; without a gateway p50 {:.3} ms, \
         p99 {:.3} ms",
        median(&direct.p50),
        median(&direct.p99),
    ));
    figures
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
