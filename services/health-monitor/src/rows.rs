//! Files of rows that are overwritten, beside the journal: worth seconds, not fsyncs.

use std::path::Path;

use sqlx::{
    ConnectOptions as _, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// Opens the file, made when it is absent, with these tables; without a path it is in memory.
///
/// # Errors
/// It cannot be opened, or is none of ours.
pub async fn open(path: Option<&Path>, schema: &[&'static str]) -> Result<SqlitePool, sqlx::Error> {
    let options = match path {
        Some(path) => SqliteConnectOptions::new().filename(path).create_if_missing(true),
        None => SqliteConnectOptions::new().in_memory(true),
    };
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .disable_statement_logging();
    // one connection that is never given up: what is in memory lives as long as it does
    let pool = SqlitePoolOptions::new()
        .min_connections(1)
        .max_connections(1)
        .idle_timeout(None)
        .max_lifetime(None)
        .connect_with(options)
        .await?;
    for statement in schema {
        sqlx::query(*statement).execute(&pool).await?;
    }
    Ok(pool)
}
