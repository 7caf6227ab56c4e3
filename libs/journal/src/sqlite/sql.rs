//! Small things every statement needs.

use std::error::Error as _;

use bellwether_clock::Timestamp;
use bytes::Bytes;
use sqlx::{
    Sqlite, SqliteConnection,
    query::Query,
    sqlite::{SqliteArguments, SqliteQueryResult},
};

pub(super) type Statement<'q> = Query<'q, Sqlite, SqliteArguments>;

/// SQLite's result codes that mean something to us: <https://www.sqlite.org/rescode.html>.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Another connection is writing.
    Busy,
    /// No space left.
    Full,
    /// Not a database file.
    NotADatabase,
    /// Anything else.
    Other,
}

// === impl Trouble ===

impl Trouble {
    pub(super) fn of(error: &sqlx::Error) -> Self {
        const IOERR_SHMSIZE: i32 = 4874;
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
        match code {
            Some(IOERR_SHMSIZE) => Self::Full,
            // the low byte is the primary code
            Some(code) if code & 0xff == 5 => Self::Busy,
            Some(code) if code & 0xff == 13 => Self::Full,
            Some(code) if code & 0xff == 26 => Self::NotADatabase,
            Some(_) | None => Self::Other,
        }
    }
}

/// Runs one statement.
pub(super) async fn execute(
    connection: &mut SqliteConnection,
    statement: Statement<'_>,
) -> Result<SqliteQueryResult, sqlx::Error> {
    statement.execute(connection).await
}

/// Runs one statement without parameters.
pub(super) async fn run(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    execute(connection, sqlx::query(sql)).await.map(drop)
}

/// Ends a transaction without effect. SQLite may have done so itself already, which is no error.
pub(super) async fn roll_back(connection: &mut SqliteConnection) {
    if let Err(error) = run(connection, "ROLLBACK").await {
        tracing::debug!(%error, source = error.source(), "nothing to roll back");
    }
}

/// Binds opaque bytes: as text when they are, so that people can read the file with `sqlite3`.
pub(super) fn bind_bytes<'q>(statement: Statement<'q>, bytes: &Bytes) -> Statement<'q> {
    match std::str::from_utf8(bytes) {
        Ok(text) => statement.bind(text.to_owned()),
        Err(_) => statement.bind(bytes.to_vec()),
    }
}

/// Nanoseconds since 1970, as stored; saturates in the years 1677 and 2262.
pub(super) fn nanos(time: Timestamp) -> i64 {
    let nanos = time.as_nanosecond();
    i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
}

/// The time stored as `nanos`.
pub(super) fn time(nanos: i64) -> Timestamp {
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or(Timestamp::MAX)
}

/// A count or place as SQLite stores it.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A count or place as stored by [`signed`].
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
