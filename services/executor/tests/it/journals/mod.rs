//! Journals that builds have recorded: today's build reads every one of them to the same end.
//!
//! They lie in `tests/journals/executor/<version>/`, a line of JSON for each event, with a summary of the end beside each.
//! `just record-journals` adds those of the present version; those of earlier ones are never recorded again.

mod file;
mod stories;
mod summary;

use std::path::{Path, PathBuf};

use bellwether_clock::Env;
use bellwether_executor::replay;

use super::house::open;
use file::{read, written};
use stories::Story;
use summary::summary;

/// Set, the journals are recorded anew.
const RECORD: &str = "BELLWETHER_RECORD_JOURNALS";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/journals/executor")
}

/// All journals of all versions.
fn recorded() -> Vec<PathBuf> {
    let versions = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let files = versions.flat_map(|version| std::fs::read_dir(version).unwrap());
    let mut files: Vec<_> = files.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "jsonl"));
    files.sort();
    files
}

async fn of_file(path: &Path) -> serde_json::Value {
    let env = Env::system();
    let journal = read(path, &env).await;
    summary(&replay(journal, env).await.unwrap())
}

fn golden(path: &Path) -> serde_json::Value {
    let text = std::fs::read_to_string(path.with_extension("summary.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn every_recorded_journal_leads_to_the_end_that_it_led_to() {
    let files = recorded();
    assert!(files.len() >= Story::ALL.len(), "{files:?}");
    for path in files {
        assert_eq!(of_file(&path).await, golden(&path), "{}", path.display());
    }
}

/// Tells every story anew: it ends as the recorded one did.
#[tokio::test]
async fn every_story_still_ends_as_it_was_recorded() {
    let folder = root().join(env!("CARGO_PKG_VERSION"));
    for story in Story::ALL {
        let mut house = story.tell().await;
        let shown = summary::shown(&mut house).await;
        let world = house.stop().await;
        let journal = open(&world.file(), &world.env).await;
        let text = written(&*journal).await;
        let end = summary(&replay(journal.clone(), world.env.clone()).await.unwrap());
        journal.close().await;
        assert_eq!(end, shown, "{story:?}: the journal holds what callers were shown");
        let path = folder.join(format!("{}.jsonl", story.name()));
        if std::env::var_os(RECORD).is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&path, text).unwrap();
            let pretty = serde_json::to_string_pretty(&end).unwrap() + "\n";
            std::fs::write(path.with_extension("summary.json"), pretty).unwrap();
        }
        assert_eq!(end, golden(&path), "{story:?}");
    }
}
