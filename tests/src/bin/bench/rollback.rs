//! A bad version is found out: how long until all traffic is back on the old one, and the gateway has confirmed it.

use std::time::Duration;

use anyhow::Context as _;
use bellwether::load::{Load, LoadConfig};
use bellwether_proto::executor::v1::{Rollout, Strategy, rollout::State, strategy::Kind};
use bellwether_resource::time;
use bellwether_tests::stack::Stack;

use crate::{
    direct,
    figures::Figures,
    on_agent::{App, Served},
    run::Run,
    stats::{median, millis, quantile},
};

/// Half of the bad version's answers are errors: when it is decided is not what is measured here.
const BAD: [(&str, &str); 2] = [("SHOP_ERRORS_PERCENT", "50"), ("SHOP_START_MS", "0")];
const RPS: u32 = 300;

/// What one rollback took, in milliseconds.
struct Took {
    /// From the decision.
    decided: f64,
    /// From the newest sample that the decision rests on.
    sample: f64,
}

/// 200 rollbacks, one after the other.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let stack = Stack::up(&run.program).await?;
    let shop = Served::start(&stack, run, "shop", App::Shop, 4).await?;
    let config = LoadConfig {
        base: format!("http://{}", shop.front),
        rps: RPS,
        timeout: Duration::from_secs(5),
        in_flight: 256,
    };
    let load = Load::start(config, run.env.clone());
    let mut all = vec![];
    for number in 1..=run.pick(200, 10) {
        let bad = shop.release(&number.to_string(), halves(), &BAD);
        let rollout = direct::start(&stack, bad).await?;
        let ended = direct::ends(&stack, &rollout, State::RolledBack).await?;
        all.push(took(&ended).with_context(|| format!("rollback {number}: {ended:#?}"))?);
    }
    let failed = load.tally().failed;
    anyhow::ensure!(
        failed == 0,
        "{failed} requests failed that no version was told to fail: {:?}",
        load.tally().failures
    );
    Ok(figures(&all))
}

fn figures(all: &[Took]) -> Figures {
    let decided: Vec<f64> = all.iter().map(|took| took.decided).collect();
    let sample: Vec<f64> = all.iter().map(|took| took.sample).collect();
    let (p50, p99) = (median(&decided), quantile(&decided, 0.99));
    let mut figures = Figures::default();
    figures.numbers("decided_to_confirmed_ms", &[("p50", p50), ("p99", p99)]);
    figures.numbers("sample_to_confirmed_ms", &[("p50", median(&sample)), ("p99", quantile(&sample, 0.99))]);
    figures.goal("decided to confirmed, p50 below 20 ms", p50 < 20.0);
    figures.goal("decided to confirmed, p99 below 100 ms", p99 < 100.0);
    figures.note(format!("{} rollbacks under {RPS} requests/s, commit included", all.len()));
    figures
}

/// Half of the traffic at once, then all of it.
fn halves() -> Strategy {
    let bake = direct::bake(500, false);
    Strategy {
        kind: Kind::Canary.into(),
        weights_percent: vec![50.0, 100.0],
        bake,
        final_bake: bake,
        ..Default::default()
    }
}

/// None where the rollout was not failed by a verdict.
fn took(rollout: &Rollout) -> Option<Took> {
    let times = rollout.rollback_times.as_ref()?;
    let verdict = rollout.evidence.as_ref()?.verdict.as_ref()?;
    let decided = time::timestamp(times.decide_time.as_ref()?)?;
    let back = time::span(times.traffic_back.as_ref()?)?;
    let sample = time::timestamp(verdict.observed_through.as_ref()?)?;
    let confirmed = decided + back;
    Some(Took { decided: millis(back), sample: confirmed.duration_since(sample).as_secs_f64() * 1000.0 })
}
