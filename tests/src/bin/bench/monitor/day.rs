//! How an analysis grows over a day of samples.
//!
//! A monitor takes no samples of another day, so this is the judge without it: a process of its own feeds analyses a day of
//! reports, one a second, as fast as it can, and tells its resident memory before, after an hour and at the end.

use std::{path::Path, process::ExitCode, time::Duration};

use anyhow::Context as _;
use bellwether_clock::Timestamp;
use bellwether_judge::{
    Analysis, Batch, Histogram, History, Sample, Segment, SegmentKind, Settings, Traffic, sim::Random,
};
use bellwether_tests::{process::Process, wait::until_within};

use crate::{
    figures::Figures,
    judge::latencies::{Shape, Slowness},
    resources::resident,
    run::Run,
};

/// The word that this program is started with to feed analyses a day of samples.
pub const WORD: &str = "day-of-samples";
const CANDIDATES: usize = 3;
const BASELINES: usize = 6;
/// Steps of the rollout, evenly over the time; each is a route revision.
const STEPS: u64 = 6;
const HOUR: u64 = 3_600;
/// Both sides together, requests in a second.
const REQUESTS: f64 = 100.0;

/// A day (reduced: an hour) of samples.
pub async fn measure(run: &Run, figures: &mut Figures) -> anyhow::Result<()> {
    let (hours, analyses) = (run.pick(24, 1), run.pick(100, 100));
    let log = tempfile::Builder::new().prefix("day-").tempfile_in(&run.directory)?;
    let words = [WORD.to_owned(), hours.to_string(), analyses.to_string()];
    let mut process = Process::start(Path::new(&run.program), words, &[], log.path())?;
    let ended = until_within(Duration::from_secs(1_800), "the day is over", || {
        let ended = process.ended();
        async move { ended.transpose() }
    });
    let ended = ended.await??;
    let text = process.log();
    anyhow::ensure!(ended.success(), "{text}");
    let told: Vec<f64> =
        text.split_whitespace().map(str::parse).collect::<Result<_, _>>().context(text.clone())?;
    let [before, hour, end] = told.as_slice() else { anyhow::bail!("{text}") };
    let per_analysis = |mib: &f64| (mib - before) * 1024.0 / f64::from(analyses);
    figures
        .numbers("kib_per_analysis", &[("after 1 h", per_analysis(hour)), ("at the end", per_analysis(end))]);
    figures.goal("at most 64 KiB per analysis", per_analysis(end) <= 64.0);
    figures.note(format!(
        "{hours} h of samples of {analyses} analyses with the default checks, {CANDIDATES} + {BASELINES} instances and {STEPS} steps \
         each, in the judge itself; resident memory, what the allocator keeps included"
    ));
    Ok(())
}

/// What the process does.
pub fn main() -> ExitCode {
    match feed() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{WORD}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn feed() -> anyhow::Result<()> {
    let numbers: Vec<u64> = std::env::args().skip(2).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [hours, count] = numbers.as_slice() else { anyhow::bail!("hours and analyses are wanted") };
    let (span, mut now, id) = (hours * HOUR, Timestamp::UNIX_EPOCH, std::process::id());
    let mut counting = Counting::new(now);
    // before the analyses, but with everything that the feeding takes
    counting.second(now, 0);
    println!("{}", resident(id)?);
    let mut analyses: Vec<Analysis> = (0..*count).map(|_| analysis(now)).collect();
    for second in 1..=span {
        now += Duration::from_secs(1);
        let step = second * STEPS / (span + 1);
        let (batch, before) = (counting.second(now, step), (second - 1) * STEPS / (span + 1));
        for analysis in &mut analyses {
            if step != before {
                analysis.enter(segment(step), now);
            }
            analysis.ingest(batch, now);
            std::hint::black_box(analysis.assess(now));
        }
        if second == HOUR {
            println!("{}", resident(id)?);
        }
    }
    println!("{}", resident(id)?);
    Ok(())
}

fn analysis(now: Timestamp) -> Analysis {
    let settings = Settings { one_sided: true, ..Settings::default() };
    Analysis::new(settings, "new".into(), "old".into(), History::default(), segment(0), now)
}

fn segment(step: u64) -> Segment {
    let index = i32::try_from(step).unwrap_or(0) + 1;
    let share = 0.1 * f64::from(index);
    Segment { index, kind: SegmentKind::Split, share, revision: index.into(), ..Segment::NOWHERE }
}

/// A gateway's counters: of every instance under every revision that it has seen, as a gateway reports them.
struct Counting {
    batch: Batch,
    shape: Shape,
    random: Random,
}

// === impl Counting ===

impl Counting {
    fn new(now: Timestamp) -> Self {
        let batch = Batch {
            source: "gateway/bench".into(),
            incarnation: "1".into(),
            time: now,
            interval: Duration::from_secs(1),
            samples: Vec::new(),
        };
        Self { batch, shape: Shape::of(Slowness::None), random: Random::new(1) }
    }

    /// Another second under the revision of this step.
    fn second(&mut self, now: Timestamp, step: u64) -> &Batch {
        self.batch.time = now;
        let revision = i64::from(segment(step).index);
        if self.batch.samples.iter().all(|sample| sample.revision != revision) {
            let of = |fleet: &'static str, count| (0..count).map(move |at| sample(fleet, at, revision));
            self.batch.samples.extend(of("new", CANDIDATES).chain(of("old", BASELINES)));
        }
        let mean = REQUESTS / (CANDIDATES + BASELINES) as f64;
        for sample in self.batch.samples.iter_mut().filter(|sample| sample.revision == revision) {
            sample.requests += self.shape.draw(mean, &mut sample.latency, &mut self.random);
            sample.errors = sample.requests / 200;
        }
        &self.batch
    }
}

fn sample(fleet: &str, at: usize, revision: i64) -> Sample {
    Sample {
        fleet: fleet.into(),
        instance: format!("{fleet}-{at}"),
        revision,
        traffic: Traffic::Live,
        requests: 0,
        errors: 0,
        connect_failures: 0,
        statuses: Vec::new(),
        journeys: Vec::new(),
        latency: Histogram::default(),
    }
}
