//! How fast the journal commits, beside what its disk can do.

use std::{fs::File, io::Write as _, path::Path, sync::Arc, time::Duration};

use bellwether_clock::Env;
use bellwether_journal::{Journal, Options, SqliteJournal, kit::speed};

use crate::{
    figures::Figures,
    run::Run,
    stats::{median, millis, quantile},
};

/// Commits under way at a time.
const WRITERS: usize = 256;
/// A page of the journal's file.
const PAGE: [u8; 4096] = [0; 4096];

/// Commits in groups and alone, in turns with the disk's own sync.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let directory = tempfile::Builder::new().prefix("journal-").tempdir_in(&run.directory)?;
    let (runs, span, commits) = run.pick((5, Duration::from_secs(5), 1000), (1, Duration::from_secs(1), 200));
    let (mut rates, mut p50, mut p99, mut disk) = (vec![], vec![], vec![], vec![]);
    for number in 0..runs {
        disk.push(median(&syncs(&directory.path().join("sync"), commits, &run.env)?));
        let journal = open(&directory.path().join(format!("{number}.db")), &run.env).await?;
        let alone: Vec<f64> =
            speed::single_commits(&journal, &run.env, commits).await.into_iter().map(millis).collect();
        p50.push(median(&alone));
        p99.push(quantile(&alone, 0.99));
        rates.push(speed::grouped_commits_per_s(&journal, &run.env, WRITERS, span).await);
        journal.close().await;
    }
    let (rate, sync) = (median(&rates), median(&disk));
    let mut figures = Figures::default();
    figures.number("grouped_commits_per_s", rate);
    figures.numbers("single_commit_ms", &[("p50", median(&p50)), ("p99", median(&p99))]);
    figures.goal("at least 20,000 grouped commits a second", rate >= 20_000.0);
    figures.note(format!(
        "{WRITERS} writers, synchronous=FULL; the disk's own sync of 4 KiB: p50 {sync:.3} ms, a single commit takes \
         {:.2} times that",
        median(&p50) / sync
    ));
    Ok(figures)
}

async fn open(path: &Path, env: &Env) -> anyhow::Result<Arc<dyn Journal>> {
    Ok(Arc::new(SqliteJournal::open(path, Options::new(env.clone())).await?))
}

/// What the disk takes to append a page and sync it, in milliseconds.
fn syncs(path: &Path, count: u64, env: &Env) -> anyhow::Result<Vec<f64>> {
    let mut file = File::create(path)?;
    let mut took = vec![];
    for _ in 0..count {
        let start = env.now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        took.push(millis(env.since(start)));
    }
    Ok(took)
}
