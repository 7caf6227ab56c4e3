//! A version that fails a twentieth of its requests gets a tenth of the traffic: how long until nobody is sent to it any
//! more, counted from the first bad answer that a user got. And how often equal versions are taken for bad ones.

use std::time::Duration;

use anyhow::Context as _;
use bellwether::load::{Load, LoadConfig};
use bellwether_clock::Timestamp;
use bellwether_judge::sim::{FalseAlarms, Scenario, false_alarm};
use bellwether_proto::executor::v1::{
    Rollout, StartRolloutRequest, Strategy, rollout::State, strategy::Kind,
};
use bellwether_resource::time;
use bellwether_tests::{shop::is_over, stack::Stack};

use crate::{
    direct,
    figures::Figures,
    on_agent::{App, Served},
    run::Run,
    stats::{median, quantile},
};

const RPS: u32 = 500;
const BAD: [(&str, &str); 1] = [("SHOP_ERRORS_PERCENT", "5")];

/// Bad versions and good ones, live; then equal ones, simulated.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let stack = Stack::up(&run.program).await?;
    let shop = Served::start(&stack, run, "shop", App::Shop, 4).await?;
    let config = LoadConfig {
        base: format!("http://{}", shop.front),
        rps: RPS,
        timeout: Duration::from_secs(5),
        in_flight: 512,
    };
    let load = Load::start(config, run.env.clone());
    let mut took = vec![];
    for number in 0..run.pick(30, 2) {
        took.push(detect(&stack, &shop, &load, &format!("bad-{number}")).await?);
    }
    let (good, mut alarms) = (run.pick(10, 1), 0);
    for number in 0..good {
        alarms += u32::from(is_false_alarm(&stack, &shop, &format!("good-{number}")).await?);
    }
    drop(load);
    let simulated = simulate(run.pick(2_000, 60), run.pick(3_600, 600)).await?;
    let live = FalseAlarms { rollouts: good, failed: alarms };
    Ok(figures(&took, simulated, live))
}

fn figures(took: &[f64], simulated: FalseAlarms, live: FalseAlarms) -> Figures {
    let both =
        FalseAlarms { rollouts: simulated.rollouts + live.rollouts, failed: simulated.failed + live.failed };
    let p50 = median(took);
    let mut figures = Figures::default();
    figures.numbers("first_bad_to_back_ms", &[("p50", p50), ("p95", quantile(took, 0.95))]);
    figures.number("false_alarm_percent", both.percent());
    figures.goal("median from the first bad answer to traffic back below 2 s", p50 < 2_000.0);
    figures.goal("false alarms at most 1 %", both.percent() <= 1.0);
    figures.note(format!(
        "{} bad rollouts at {RPS} requests/s; equal versions: {} of {} simulated rollouts failed, {} of {} live",
        took.len(),
        simulated.failed,
        simulated.rollouts,
        live.failed,
        live.rollouts
    ));
    figures
}

/// What it takes from the first bad answer to the confirmation of the old split, in milliseconds.
async fn detect(stack: &Stack, shop: &Served, load: &Load, version: &str) -> anyhow::Result<f64> {
    // checks, margins, α, warm-up, weights and bakes are the defaults
    let request = StartRolloutRequest { health: None, ..shop.release(version, Strategy::default(), &BAD) };
    let rollout = direct::start(stack, request).await?;
    let ended = direct::ends(stack, &rollout, State::RolledBack).await?;
    let back = back(&ended).with_context(|| format!("no traffic came back: {ended:#?}"))?;
    let tally = load.tally();
    let first = tally.versions.get(version).and_then(|of| of.first_injected);
    let first = first.context("nobody got a bad answer")?;
    Ok(back.duration_since(first).as_secs_f64() * 1000.0)
}

fn back(rollout: &Rollout) -> Option<Timestamp> {
    let times = rollout.rollback_times.as_ref()?;
    Some(time::timestamp(times.decide_time.as_ref()?)? + time::span(times.traffic_back.as_ref()?)?)
}

/// Whether a version that is equal to the old one is taken back.
async fn is_false_alarm(stack: &Stack, shop: &Served, version: &str) -> anyhow::Result<bool> {
    let bake = direct::bake(1_000, false);
    let strategy = Strategy {
        kind: Kind::Canary.into(),
        weights_percent: vec![50.0, 100.0],
        bake,
        final_bake: bake,
        ..Default::default()
    };
    let rollout = direct::start(stack, shop.release(version, strategy, &[])).await?;
    let filter = format!("name = \"{}\"", rollout.name);
    let ended = direct::follow(stack, &filter, |rollout| is_over(rollout.state())).await?;
    match ended.state() {
        State::Succeeded => Ok(false),
        State::RolledBack if ended.evidence.as_ref().is_some_and(|it| it.verdict.is_some()) => Ok(true),
        _ => anyhow::bail!("a good version neither passed nor failed: {ended:#?}"),
    }
}

/// Rollouts of equal versions of this many seconds, on two threads.
async fn simulate(rollouts: u32, seconds: u64) -> anyhow::Result<FalseAlarms> {
    let half = |seed| {
        let scenario = Scenario { length: Duration::from_secs(seconds), ..Scenario::default() };
        tokio::task::spawn_blocking(move || false_alarm(&scenario, rollouts / 2, seed))
    };
    let (first, second) = tokio::join!(half(1), half(1_000_001));
    let (first, second) = (first?, second?);
    Ok(FalseAlarms { rollouts: first.rollouts + second.rollouts, failed: first.failed + second.failed })
}
