//! Measures a journal in an SQLite file: `cargo run --release -p bellwether-journal --example speed -- DIRECTORY`.

use std::{fs::File, io::Write as _, path::Path, sync::Arc, time::Duration};

use bellwether_clock::Env;
use bellwether_journal::{Journal, Options, SqliteJournal, kit::speed};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let env = Env::system();
    let directory = std::env::args().nth(1).unwrap_or_else(|| "target/bench".to_owned());
    let path = Path::new(&directory).join(format!("speed-{}.db", env.uuid()));
    let options = Options::new(env.clone());
    let journal: Arc<dyn Journal> = Arc::new(SqliteJournal::open(&path, options).await?);
    show("fsync alone", &syncs(&Path::new(&directory).join("speed-sync"), &env)?);
    show("single commit", &speed::single_commits(&journal, &env, 2000).await);
    journal.close().await;
    for writers in [64, 256, 1024] {
        let path = path.with_extension(writers.to_string());
        let journal: Arc<dyn Journal> =
            Arc::new(SqliteJournal::open(&path, Options::new(env.clone())).await?);
        let rate = speed::grouped_commits_per_s(&journal, &env, writers, Duration::from_secs(5)).await;
        println!("{writers} writers: {rate:.0} commits/s");
        journal.close().await;
    }
    Ok(())
}

/// What the disk takes to sync 4 KiB appended to a file.
fn syncs(path: &Path, env: &Env) -> std::io::Result<Vec<Duration>> {
    let mut file = File::create(path)?;
    let mut took = vec![];
    for _ in 0..1000 {
        let start = env.now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        took.push(env.since(start));
    }
    took.sort_unstable();
    std::fs::remove_file(path)?;
    Ok(took)
}

/// `took` is sorted.
fn show(what: &str, took: &[Duration]) {
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    println!("{what}: p50 {:?}, p99 {:?}", at(50), at(99));
}
