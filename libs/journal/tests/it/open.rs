//! What cannot be opened says why, and is left as it is.

use std::path::Path;

use bellwether_clock::Env;
use bellwether_journal::{Journal, OpenError, Options, SqliteJournal, open};

fn options() -> Options {
    Options { ballast_bytes: 0, ..Options::new(Env::system()) }
}

async fn refusal(path: &Path) -> OpenError {
    SqliteJournal::open(path, options()).await.err().unwrap()
}

/// Runs SQL on a file that nobody owns.
async fn run(path: &Path, sql: &'static str) {
    use sqlx::{ConnectOptions as _, Connection as _};
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn urls_choose_the_journal() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("deep/er/j.db");
    for url in
        [format!("sqlite:{}", path.display()), format!("sqlite://{}", path.display()), "memory:".to_owned()]
    {
        let journal = open(&url, options()).await.unwrap();
        assert_eq!(*journal.head().borrow(), 0, "{url}");
        journal.close().await;
    }
    for url in ["", "sqlite:", "postgres://x", "/tmp/j.db"] {
        assert!(matches!(open(url, options()).await.err(), Some(OpenError::Url { .. })), "{url}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    SqliteJournal::open(&path, options()).await.unwrap().close().await;
    run(&path, "PRAGMA user_version = 99").await;
    let refused = refusal(&path).await;
    assert!(matches!(refused, OpenError::NewerSchema { found: 99, known: 1, .. }), "{refused:?}");
    assert!(refused.to_string().contains("newer build"), "{refused}");
    run(&path, "PRAGMA user_version = 1").await;
    let journal = SqliteJournal::open(&path, options()).await.unwrap();
    assert_eq!(journal.epoch().number, 2, "the refused one did not take it over");
    journal.close().await;
}

#[tokio::test]
async fn other_files_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().join("notes.txt");
    std::fs::write(&text, "these are notes, and long enough for a header of SQLite's".repeat(20)).unwrap();
    assert!(matches!(refusal(&text).await, OpenError::Foreign { .. }));
    assert!(std::fs::read_to_string(&text).unwrap().starts_with("these are notes"));
    let database = directory.path().join("other.db");
    run(&database, "CREATE TABLE songs (title TEXT)").await;
    assert!(matches!(refusal(&database).await, OpenError::Foreign { .. }));
    run(&database, "INSERT INTO songs VALUES ('still here')").await;
}

#[tokio::test]
async fn an_unusable_directory_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = refusal(&file.join("j.db")).await;
    assert!(matches!(&refused, OpenError::Directory { path, .. } if *path == file), "{refused:?}");
    assert!(refused.to_string().contains("data directory"), "{refused}");
}

/// People can read a journal with `sqlite3`.
#[tokio::test]
async fn payloads_are_stored_as_text() {
    use sqlx::{ConnectOptions as _, Row as _};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("j.db");
    let journal = SqliteJournal::open(&path, options()).await.unwrap();
    let event = bellwether_journal::NewEvent::new("StepStarted", r#"{"step":2}"#);
    let commit = bellwether_journal::Commit::new(Env::system().now()).append("a", 0, vec![event]);
    journal.commit(commit).await.unwrap();
    let reader = sqlx::sqlite::SqliteConnectOptions::new().filename(&path).read_only(true);
    let mut connection = reader.connect().await.unwrap();
    let query = sqlx::query("SELECT json_extract(payload, '$.step') FROM events WHERE kind = 'StepStarted'");
    let step: i64 = query.fetch_one(&mut connection).await.unwrap().get(0);
    assert_eq!(step, 2);
    journal.close().await;
}
