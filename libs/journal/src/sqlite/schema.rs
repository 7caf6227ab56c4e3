//! Opening the file: is it ours, is it new, does it need migrating.

use std::path::Path;

use bellwether_clock::Env;
use sqlx::{
    AssertSqlSafe, ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use uuid::Uuid;

use super::sql::{Trouble, roll_back, run};
use crate::{JournalId, OpenError};

/// Marks the file as ours in its header (`PRAGMA application_id`): "BWJL".
const APPLICATION: i64 = 0x4257_4a4c;

/// One text per schema version, applied in order to what an older build left. Never edit one that was released.
const MIGRATIONS: &[&str] = &[include_str!("schema.sql")];

/// Checkpoint every so many pages of 4 KiB: rarely enough not to disturb, often enough to keep the log small.
const CHECKPOINT_PAGES: &str = "4000";

/// Options common to the writer and the readers.
pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).disable_statement_logging()
}

/// The writing connection to a file that is ours; made when there is none. Neither waits for a live owner nor changes
/// anything under it: [`migrate`] is for who owns it.
pub(super) async fn connect(path: &Path, env: &Env) -> Result<(SqliteConnection, JournalId), OpenError> {
    let failed = |error: sqlx::Error| match Trouble::of(&error) {
        Trouble::NotADatabase => OpenError::Foreign { path: path.to_owned() },
        Trouble::Busy | Trouble::Full | Trouble::Other => {
            OpenError::Storage { path: path.to_owned(), source: error.into() }
        }
    };
    let options = options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES);
    let mut connection = options.connect().await.map_err(failed)?;
    if inspect(&mut connection).await.map_err(failed)? == Found::Nothing {
        create(&mut connection, path, env).await.map_err(failed)?;
    }
    match inspect(&mut connection).await.map_err(failed)? {
        Found::Ours(version) if version > MIGRATIONS.len() => {
            let number = |version| u32::try_from(version).unwrap_or(u32::MAX);
            let (found, known) = (number(version), number(MIGRATIONS.len()));
            Err(OpenError::NewerSchema { path: path.to_owned(), found, known })
        }
        Found::Ours(_) => {
            let id = read_id(&mut connection).await.map_err(failed)?;
            Ok((connection, id))
        }
        Found::Nothing | Found::SomethingElse => Err(OpenError::Foreign { path: path.to_owned() }),
    }
}

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    /// A journal of this schema.
    Ours(usize),
    SomethingElse,
}

async fn inspect(connection: &mut SqliteConnection) -> Result<Found, sqlx::Error> {
    let version = number(connection, "PRAGMA user_version").await?;
    let application = number(connection, "PRAGMA application_id").await?;
    let tables = number(connection, "SELECT count(*) FROM sqlite_schema").await?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Found::Nothing,
        (APPLICATION, version, _) => Found::Ours(usize::try_from(version).unwrap_or(usize::MAX)),
        _ => Found::SomethingElse,
    })
}

/// Makes a new journal, unless another process was faster.
async fn create(connection: &mut SqliteConnection, path: &Path, env: &Env) -> Result<(), sqlx::Error> {
    run(connection, "BEGIN IMMEDIATE").await?;
    let made = match inspect(connection).await {
        Ok(Found::Nothing) => match apply(connection, MIGRATIONS, 0).await {
            Ok(()) => fill(connection, path, env).await,
            Err(error) => Err(error),
        },
        Ok(Found::Ours(_) | Found::SomethingElse) => Ok(()),
        Err(error) => Err(error),
    };
    end(connection, made).await
}

/// Brings what an older build left to the current schema. For the owner: an older owner must not find its tables
/// changed. What it takes to become one, the tables `journal` and `owners`, therefore never changes.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    migrate_with(connection, MIGRATIONS).await
}

async fn migrate_with(
    connection: &mut SqliteConnection,
    migrations: &[&'static str],
) -> Result<(), sqlx::Error> {
    let version = usize::try_from(number(connection, "PRAGMA user_version").await?).unwrap_or(usize::MAX);
    if version >= migrations.len() {
        return Ok(());
    }
    run(connection, "BEGIN IMMEDIATE").await?;
    let applied = apply(connection, migrations, version).await;
    end(connection, applied).await
}

async fn apply(
    connection: &mut SqliteConnection,
    migrations: &[&'static str],
    from: usize,
) -> Result<(), sqlx::Error> {
    for migration in migrations.iter().skip(from) {
        sqlx::raw_sql(*migration).execute(&mut *connection).await?;
    }
    let version = migrations.len();
    let header = format!("PRAGMA user_version = {version}; PRAGMA application_id = {APPLICATION}");
    sqlx::raw_sql(AssertSqlSafe(header)).execute(&mut *connection).await.map(drop)
}

async fn end(connection: &mut SqliteConnection, outcome: Result<(), sqlx::Error>) -> Result<(), sqlx::Error> {
    let ended = match outcome {
        Ok(()) => run(connection, "COMMIT").await,
        Err(error) => Err(error),
    };
    if ended.is_err() {
        roll_back(connection).await;
    }
    ended
}

async fn read_id(connection: &mut SqliteConnection) -> Result<JournalId, sqlx::Error> {
    let id: String = sqlx::query_scalar("SELECT id FROM journal").fetch_one(connection).await?;
    Uuid::parse_str(&id).map(JournalId).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The rows of a journal that nobody has owned yet.
async fn fill(connection: &mut SqliteConnection, path: &Path, env: &Env) -> Result<(), sqlx::Error> {
    let id = env.uuid().to_string();
    sqlx::query("INSERT INTO journal (id, horizon) VALUES (?, 0)").bind(id).execute(&mut *connection).await?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    sqlx::query("INSERT INTO owners (shard, epoch, renewals, pid, lock) VALUES (0, 0, 0, 0, ?)")
        .bind(format!("{name}.lock"))
        .execute(connection)
        .await?;
    Ok(())
}

async fn number(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_older_schema_is_brought_up_to_date_once() {
        let directory = tempfile::tempdir().unwrap();
        let (mut connection, id) = connect(&directory.path().join("j.db"), &Env::system()).await.unwrap();
        let newer = [MIGRATIONS[0], "ALTER TABLE streams ADD COLUMN colour TEXT"];
        for _ in 0..2 {
            migrate_with(&mut connection, &newer).await.unwrap();
            assert_eq!(inspect(&mut connection).await.unwrap(), Found::Ours(2));
        }
        run(&mut connection, "SELECT colour FROM streams").await.unwrap();
        assert_eq!(read_id(&mut connection).await.unwrap(), id);
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_the_older_schema() {
        let directory = tempfile::tempdir().unwrap();
        let (mut connection, _) = connect(&directory.path().join("j.db"), &Env::system()).await.unwrap();
        let broken = [MIGRATIONS[0], "CREATE TABLE half (x); CREATE TABLE half (x)"];
        migrate_with(&mut connection, &broken).await.unwrap_err();
        assert_eq!(inspect(&mut connection).await.unwrap(), Found::Ours(1));
        run(&mut connection, "SELECT * FROM half").await.unwrap_err();
    }
}
