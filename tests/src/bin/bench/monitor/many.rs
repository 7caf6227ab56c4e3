//! What ten thousand analyses of four checks take that are fed once a second each, while somebody follows all verdicts.

use std::time::Duration;

use anyhow::ensure;
use tokio::{sync::mpsc, time::MissedTickBehavior};

use super::{
    analyses::{Counted, Traffic},
    gateways::Gateways,
    hearing::Hearing,
    process::Monitor,
};
use crate::{
    figures::Figures,
    resources::{cpu_seconds, peak_resident, resident},
    run::Run,
};

/// Requests a second to both sides of an analysis.
const REQUESTS: f64 = 100.0;
/// Messages that the reports of a second come in, evenly over it; one of each gateway.
const MESSAGES: usize = 20;

/// 10,000 analyses at a sample a second each.
pub async fn measure(run: &Run, figures: &mut Figures) -> anyhow::Result<()> {
    // minutes that are over must have been recorded, so that what is kept for one is counted
    let (count, warm, span) = (run.pick(10_000, 500), run.pick(90, 5), run.pick(45, 5));
    let monitor = Monitor::start(run).await?;
    let (fallen, _falls) = mpsc::unbounded_channel();
    let hearing = Hearing::start(&monitor, run.env.clone(), fallen).await?;
    let mut analyses: Vec<Counted> = (0..count).map(|number| Counted::new(number, 0)).collect();
    let before = resident(monitor.id())?;
    monitor.analyse(analyses.iter().map(Counted::definition)).await?;
    let mut gateways = Gateways::open(&monitor, MESSAGES, Duration::from_secs(1), run.env.clone())?;
    let traffic = Traffic::new(REQUESTS);
    let (mut began, mut cpu, mut heard) = (run.env.now(), 0.0, 0);
    let mut every = tokio::time::interval(Duration::from_secs(1) / MESSAGES as u32);
    every.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for message in 0..(warm + span) * MESSAGES {
        every.tick().await;
        if message == warm * MESSAGES {
            (began, cpu, heard) = (run.env.now(), cpu_seconds(monitor.id())?, hearing.verdicts());
        }
        let part = message % MESSAGES;
        let samples = analyses.iter_mut().skip(part).step_by(MESSAGES).flat_map(|it| it.report(&traffic));
        gateways.report(part, samples.collect()).await?;
    }
    let took = run.env.since(began).as_secs_f64();
    let cores = (cpu_seconds(monitor.id())? - cpu) / took;
    let heard = (hearing.verdicts() - heard) as f64 / took;
    let (rss, peak) = (resident(monitor.id())?, peak_resident(monitor.id())?);
    ensure!(hearing.failed() == 0, "{} analyses failed that must not", hearing.failed());
    gateways.close().await?;
    figures.number("count", count as f64);
    figures.number("cores", cores);
    figures.numbers("rss_mib", &[("settled", rss), ("peak", peak)]);
    figures.number("rss_kib_per_analysis", (rss - before) * 1024.0 / count as f64);
    figures.goal("10,000 analyses × 4 checks at 1 Hz in less than a core", cores < 1.0);
    figures.goal("and in less than 700 MiB", peak < 700.0);
    figures.note(format!(
        "{span} s of reports took {took:.1} s; {heard:.0} verdicts/s were heard of {count} analyses; without any the monitor has \
         {before:.0} MiB"
    ));
    Ok(())
}
