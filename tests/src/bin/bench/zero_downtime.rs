//! Good rollouts by every recipe without downtime, under load: not one request may fail because of them.

mod streams;

use std::{sync::Arc, time::Duration};

use bellwether::load::{Load, LoadConfig};
use bellwether_clock::spawn;
use bellwether_proto::executor::v1::{Strategy, rollout::State, strategy::Kind};
use bellwether_tests::stack::{Setup, Stack};

use self::streams::Streams;
use crate::{
    direct,
    figures::Figures,
    on_agent::{App, Served},
    run::Run,
};

/// RECREATE has downtime by its nature, and is not among them.
const RECIPES: [(&str, Kind); 4] = [
    ("canary", Kind::Canary),
    ("blue-green", Kind::BlueGreen),
    ("blue-green-canary", Kind::BlueGreenCanary),
    ("rolling", Kind::Rolling),
];
/// To each of the applications.
const RPS: u32 = 100;
/// At a time, to each of the applications.
const STREAMS: usize = 4;

/// What one application's users saw.
struct Seen {
    recipe: &'static str,
    rollouts: u32,
    requests: u64,
    streams: u64,
    failed: u64,
    failures: Vec<String>,
}

/// 50 rollouts by each recipe; one application for each, all at the same time.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let stack = Arc::new(Stack::start(Setup::one(&run.program)).await?);
    let rollouts = run.pick(50, 2);
    let mut tasks = vec![];
    for (recipe, kind) in RECIPES {
        let served = Served::start(&stack, run, recipe, App::Quick, 4).await?;
        let (stack, env) = (stack.clone(), run.env.clone());
        tasks.push(spawn("rollouts", async move {
            let config = LoadConfig {
                base: format!("http://{}", served.front),
                rps: RPS,
                timeout: Duration::from_secs(10),
                in_flight: 512,
            };
            let (load, streams) = (Load::start(config, env), Streams::start(served.front, STREAMS));
            for number in 1..=rollouts {
                let request = served.release(&number.to_string(), strategy(kind), &[]);
                let rollout = direct::start(&stack, request).await?;
                direct::ends(&stack, &rollout, State::Succeeded).await?;
            }
            let (requests, streams) = (load.tally(), streams.end().await?);
            anyhow::Ok(Seen {
                recipe,
                rollouts,
                requests: requests.sent,
                streams: streams.complete,
                failed: requests.failed + streams.failed,
                failures: [requests.failures, streams.failures].concat(),
            })
        }));
    }
    let mut all = vec![];
    for task in tasks {
        all.push(task.await??);
    }
    figures(&all)
}

fn figures(all: &[Seen]) -> anyhow::Result<Figures> {
    let failed: u64 = all.iter().map(|seen| seen.failed).sum();
    let mut figures = Figures::default();
    figures.number("rollouts", f64::from(all.iter().map(|seen| seen.rollouts).sum::<u32>()));
    figures.number("failed_by_rollout", failed as f64);
    figures.goal("no request failed", failed == 0);
    for seen in all {
        figures.note(format!(
            "{}: {} rollouts, {} requests on kept connections, {} streams of 0.6 s, {} failed",
            seen.recipe, seen.rollouts, seen.requests, seen.streams, seen.failed
        ));
    }
    let failures: Vec<&String> = all.iter().flat_map(|seen| &seen.failures).collect();
    anyhow::ensure!(failed == 0, "{failed} requests failed, e.g. {failures:#?}");
    Ok(figures)
}

/// Bakes without checks: what is measured is what the traffic's movements do.
fn strategy(kind: Kind) -> Strategy {
    let bake = direct::bake(500, true);
    let weights = match kind {
        Kind::Canary | Kind::BlueGreenCanary => vec![25.0, 100.0],
        _ => vec![],
    };
    Strategy { kind: kind.into(), weights_percent: weights, bake, final_bake: bake, ..Default::default() }
}
