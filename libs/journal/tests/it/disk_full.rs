//! A full disk stops what can wait, and nothing else.

use std::{fs::File, io::Write as _, path::Path, process::Command, time::Duration};

use bellwether_clock::Env;
use bellwether_journal::{Commit, CommitError, Health, Journal, NewEvent, Options, SqliteJournal};

use crate::child::short_lease;

const MIB: usize = 1024 * 1024;

/// Runs this binary on a small disk of its own: a file system in memory, in a namespace of its own.
#[test]
fn urgent_commits_go_through_on_a_full_disk() {
    let directory = tempfile::tempdir().unwrap();
    let script = r#"mount -t tmpfs -o size=40m tmpfs "$1" && exec "$2" --exact child::a_child_plays_its_role --nocapture"#;
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", script, "sh"]).arg(directory.path());
    command.arg(std::env::current_exe().unwrap());
    command.env("JOURNAL_TEST_ROLE", format!("fills-its-disk {}/j.db", directory.path().display()));
    let allowed = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        println!("skipped: this system grants no mount namespace");
        return;
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("recovered"), "{said}\n{complained}");
}

/// What happens on the small disk.
pub async fn play(path: &Path) {
    let options =
        Options { lease: short_lease(), ballast_bytes: 8 * MIB as u64, ..Options::new(Env::system()) };
    let journal = SqliteJournal::open(path, options).await.unwrap();
    let ballast = path.with_file_name("j.db.ballast");
    assert_eq!(std::fs::metadata(&ballast).unwrap().len(), 8 * MIB as u64);
    let mut version = 0;
    append(&journal, &mut version, MIB / 4, false).await.unwrap();

    let filler = path.with_file_name("filler");
    fill(&filler);
    let refused = loop {
        match append(&journal, &mut version, MIB / 4, false).await {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, CommitError::DiskFull), "{refused:?}");
    assert_eq!(*journal.health().borrow(), Health::DiskFull);
    assert!(!ballast.exists());
    for _ in 0..8 {
        append(&journal, &mut version, 1024, true).await.unwrap();
        let refused = append(&journal, &mut version, 1024, false).await;
        assert!(matches!(refused, Err(CommitError::DiskFull)), "{refused:?}");
    }
    assert!(journal.lease_left() > Duration::ZERO, "the lease is kept alive");

    std::fs::remove_file(&filler).unwrap();
    journal.health().wait_for(|health| *health == Health::Serving).await.unwrap();
    assert!(ballast.exists());
    append(&journal, &mut version, 1024, false).await.unwrap();
    assert_eq!(journal.feed(0, 10_000).await.unwrap().len() as u64, version);
    journal.close().await;
    println!("recovered");
}

async fn append(
    journal: &SqliteJournal,
    version: &mut u64,
    bytes: usize,
    urgent: bool,
) -> Result<(), CommitError> {
    let event = NewEvent::new("Filled", vec![b'x'; bytes]);
    let commit = Commit { urgent, ..Commit::new(Env::system().now()).append("a", *version, vec![event]) };
    journal.commit(commit).await?;
    *version += 1;
    Ok(())
}

/// Leaves no byte free.
fn fill(path: &Path) {
    let mut file = File::create(path).unwrap();
    for block in [MIB, 4096, 1] {
        while file.write_all(&vec![0u8; block]).is_ok() {}
    }
}
