//! Opening the file: is it ours, is it new, does it need migrating.

use std::path::Path;

use bellwether_clock::Env;
use sqlx::{
    AssertSqlSafe, ConnectOptions, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use uuid::Uuid;

use super::sql::{Trouble, roll_back, run, signed};
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

/// The writing connection, with a file that is ours and of the current schema.
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
    run(&mut connection, "BEGIN IMMEDIATE").await.map_err(failed)?;
    match prepare(&mut connection, path, env).await {
        Ok(id) => {
            run(&mut connection, "COMMIT").await.map_err(failed)?;
            Ok((connection, id))
        }
        Err(refusal) => {
            roll_back(&mut connection).await;
            Err(refusal.into_open_error(failed))
        }
    }
}

/// Why the file cannot be used: a refusal of ours, or a failure of the database.
enum Unusable {
    Refused(OpenError),
    Failed(sqlx::Error),
}

async fn prepare(connection: &mut SqliteConnection, path: &Path, env: &Env) -> Result<JournalId, Unusable> {
    let known = MIGRATIONS.len();
    let version = pragma(connection, "PRAGMA user_version").await?;
    let application = pragma(connection, "PRAGMA application_id").await?;
    let tables = pragma(connection, "SELECT count(*) FROM sqlite_schema").await?;
    let is_new = version == 0 && application == 0 && tables == 0;
    if !is_new && application != APPLICATION {
        return Err(Unusable::Refused(OpenError::Foreign { path: path.to_owned() }));
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > known {
        let found = u32::try_from(version).unwrap_or(u32::MAX);
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        return Err(Unusable::Refused(OpenError::NewerSchema { path: path.to_owned(), found, known }));
    }
    migrate(connection, version).await?;
    if is_new {
        create(connection, path, env).await?;
    }
    let id: String = sqlx::query_scalar("SELECT id FROM journal").fetch_one(connection).await?;
    let id = Uuid::parse_str(&id).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(JournalId(id))
}

async fn migrate(connection: &mut SqliteConnection, from: usize) -> Result<(), sqlx::Error> {
    for migration in MIGRATIONS.iter().skip(from) {
        sqlx::raw_sql(*migration).execute(&mut *connection).await?;
    }
    if from < MIGRATIONS.len() {
        let version = signed(MIGRATIONS.len() as u64);
        let header = format!("PRAGMA user_version = {version}; PRAGMA application_id = {APPLICATION}");
        sqlx::raw_sql(AssertSqlSafe(header)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// The rows of a journal that nobody has owned yet.
async fn create(connection: &mut SqliteConnection, path: &Path, env: &Env) -> Result<(), sqlx::Error> {
    let id = env.uuid().to_string();
    sqlx::query("INSERT INTO journal (id, horizon) VALUES (?, 0)").bind(id).execute(&mut *connection).await?;
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    sqlx::query("INSERT INTO owners (shard, epoch, renewals, pid, lock) VALUES (0, 0, 0, 0, ?)")
        .bind(format!("{name}.lock"))
        .execute(connection)
        .await?;
    Ok(())
}

async fn pragma(connection: &mut SqliteConnection, sql: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(sql).fetch_one(connection).await
}

// === impl Unusable ===

impl Unusable {
    fn into_open_error(self, failed: impl FnOnce(sqlx::Error) -> OpenError) -> OpenError {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Failed(error) => failed(error),
        }
    }
}

impl From<sqlx::Error> for Unusable {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}
