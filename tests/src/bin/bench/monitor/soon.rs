//! How soon a verdict follows its sample while a thousand analyses are fed ten times a second.
//!
//! Each analysis has a message of its own every 100 ms, evenly over that time. About twenty times a second one of them gets a sample that
//! must make it fail; from the moment that this sample is handed to the stream until the verdict, which is committed to the journal
//! before, is decoded by whoever follows all verdicts. What has failed is replaced by a new analysis.

use std::{collections::HashMap, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use bellwether_clock::{Timestamp, spawn};
use bellwether_tests::wait::until;
use tokio::{sync::mpsc, time::MissedTickBehavior};

use super::{
    analyses::{Counted, Traffic},
    gateways::Gateways,
    hearing::Hearing,
    process::Monitor,
};
use crate::{
    figures::Figures,
    resources::{cpu_seconds, peak_resident},
    run::Run,
    stats::{median, millis, quantile},
};

/// Between two reports of one analysis.
const EVERY: Duration = Duration::from_millis(100);
/// Parts of that time, each a millisecond with its analyses.
const PARTS: usize = 100;
/// Requests to both sides of an analysis between two reports.
const REQUESTS: f64 = 20.0;
/// Of so many milliseconds one sees an analysis fall; no divisor of `PARTS`, so that it is each one's turn.
const FALL_EVERY: usize = 51;
/// Caches are warm and latencies are known by then, in milliseconds.
const WARM: usize = 5_000;
const GATEWAYS: usize = 10;

/// Everything that is fed.
struct Load<'a> {
    run: &'a Run,
    monitor: Arc<Monitor>,
    gateways: Gateways,
    hearing: Hearing,
    traffic: Traffic,
    analyses: Vec<Analysed>,
    numbers: HashMap<String, usize>,
    /// How late each millisecond began.
    late: Vec<f64>,
}

struct Analysed {
    counted: Counted,
    again: usize,
    /// Waits for its verdict, or for the analysis that takes its place.
    fallen: bool,
}

/// 1,000 analyses at ten samples a second each.
pub async fn measure(run: &Run, figures: &mut Figures) -> anyhow::Result<()> {
    let (count, wanted) = (run.pick(1_000, 200), run.pick(1_000, 80));
    let monitor = Arc::new(Monitor::start(run).await?);
    let (fallen, mut falls) = mpsc::unbounded_channel();
    let hearing = Hearing::start(&monitor, run.env.clone(), fallen).await?;
    let mut load = Load::new(run, monitor.clone(), hearing, count).await?;
    let (took_s, cpu) = load.drive(wanted, &mut falls).await?;
    let took = load.hearing.took();
    ensure!(load.hearing.failed() == 0, "{} analyses failed that must not", load.hearing.failed());
    let (p99, rate) = (quantile(&took, 0.99), count as f64 * 10.0);
    figures.numbers(
        "sample_to_verdict_ms",
        &[("p50", median(&took)), ("p99", p99), ("max", quantile(&took, 1.0))],
    );
    figures.number("sample_to_verdict_cores", cpu / took_s);
    figures.goal("sample in → verdict out, p99 below 10 ms", p99 < 10.0);
    figures.note(format!(
        "{} verdicts while {count} analyses got {rate:.0} messages/s together; a millisecond of the load began {:.2} ms late at \
         the median, {:.1} ms at p99; the monitor's peak was {:.0} MiB",
        took.len(),
        median(&load.late),
        quantile(&load.late, 0.99),
        peak_resident(monitor.id())?
    ));
    load.gateways.close().await
}

// === impl Load ===

impl<'a> Load<'a> {
    async fn new(
        run: &'a Run,
        monitor: Arc<Monitor>,
        hearing: Hearing,
        count: usize,
    ) -> anyhow::Result<Self> {
        let analyses: Vec<Analysed> = (0..count).map(|number| Analysed::new(number, 0)).collect();
        monitor.analyse(analyses.iter().map(|it| it.counted.definition())).await?;
        let numbers =
            analyses.iter().enumerate().map(|(number, it)| (it.counted.name.clone(), number)).collect();
        let gateways = Gateways::open(&monitor, GATEWAYS, EVERY, run.env.clone())?;
        let traffic = Traffic::new(REQUESTS);
        Ok(Self { run, monitor, gateways, hearing, traffic, analyses, numbers, late: vec![] })
    }

    /// Until so many have fallen and their verdicts were heard. How long it took after warming up, and the monitor's processor time
    /// in that time, both in seconds.
    async fn drive(
        &mut self,
        wanted: usize,
        falls: &mut mpsc::UnboundedReceiver<String>,
    ) -> anyhow::Result<(f64, f64)> {
        let (replaced, mut replacements) = mpsc::unbounded_channel();
        let mut every = tokio::time::interval(EVERY / 100);
        every.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut began, mut start, mut cpu) = (self.run.env.now(), self.run.env.now(), 0.0);
        let mut fell = 0;
        for millisecond in 0.. {
            every.tick().await;
            ensure!(millisecond < WARM + 3 * FALL_EVERY * wanted, "only {fell} of {wanted} analyses fell");
            if millisecond == WARM {
                (began, cpu, start) =
                    (self.run.env.now(), cpu_seconds(self.monitor.id())?, self.run.env.now());
                self.late.clear();
            }
            self.note_late(start, if millisecond < WARM { millisecond } else { millisecond - WARM });
            let falls_now = millisecond > WARM && millisecond % FALL_EVERY == 0 && fell < wanted;
            fell += usize::from(self.part(millisecond % PARTS, falls_now).await?);
            while let Ok(name) = falls.try_recv() {
                self.replace(&name, replaced.clone());
            }
            while let Ok(number) = replacements.try_recv() {
                self.put(number);
            }
            if fell == wanted {
                break;
            }
        }
        let all = until("every verdict is heard", || {
            let heard = self.hearing.took().len();
            async move { (heard == wanted).then_some(()) }
        });
        all.await.with_context(|| format!("{} of {wanted} were heard", self.hearing.took().len()))?;
        let took = self.run.env.since(began).as_secs_f64();
        Ok((took, cpu_seconds(self.monitor.id())? - cpu))
    }

    /// Only after warming up, when `start` is that of the milliseconds that count.
    fn note_late(&mut self, start: Timestamp, millisecond: usize) {
        let due = start + Duration::from_millis(millisecond as u64);
        self.late.push(millis(self.run.env.since(due)));
    }

    /// The reports of one millisecond; whether one of its analyses fell.
    async fn part(&mut self, part: usize, falls: bool) -> anyhow::Result<bool> {
        let mut to_fall = falls;
        for number in (part..self.analyses.len()).step_by(PARTS) {
            let Some(analysed) = self.analyses.get_mut(number).filter(|it| !it.fallen) else { continue };
            let samples = if std::mem::take(&mut to_fall) {
                analysed.fallen = true;
                self.hearing.falls(&analysed.counted.name, self.run.env.now());
                analysed.counted.fall(&self.traffic)
            } else {
                analysed.counted.report(&self.traffic)
            };
            self.gateways.report(number, samples).await?;
        }
        Ok(falls && !to_fall)
    }

    /// Another analysis takes the place of one that has failed.
    fn replace(&mut self, name: &str, replaced: mpsc::UnboundedSender<usize>) {
        let Some(number) = self.numbers.remove(name) else { return };
        let Some(analysed) = self.analyses.get_mut(number) else { return };
        *analysed = Analysed { fallen: true, ..Analysed::new(number, analysed.again + 1) };
        let (definition, monitor) = (analysed.counted.definition(), self.monitor.clone());
        spawn("replace", async move {
            match monitor.analyse([definition]).await {
                // the load may have ended
                Ok(()) => drop(replaced.send(number)),
                Err(error) => eprintln!("an analysis is not replaced: {error:#}"),
            }
        });
    }

    fn put(&mut self, number: usize) {
        if let Some(analysed) = self.analyses.get_mut(number) {
            analysed.fallen = false;
            self.numbers.insert(analysed.counted.name.clone(), number);
        }
    }
}

// === impl Analysed ===

impl Analysed {
    fn new(number: usize, again: usize) -> Self {
        Self { counted: Counted::new(number, again), again, fallen: false }
    }
}
