//! Reading, beside the writer and never in its way.

use std::{path::Path, time::Duration};

use bellwether_clock::Timestamp;
use bytes::Bytes;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqlitePoolOptions, SqliteRow},
};

use super::{
    rows, schema,
    sql::{Statement, nanos, signed, unsigned},
};
use crate::{EventRecord, ReadError, RequestRecord, Snapshot, StreamInfo};

const CONNECTIONS: u32 = 4;

/// Kibibytes of page cache per connection (negative means size, not pages): the system's file cache is behind it.
const CACHE: &str = "-256";

/// A connection that nobody needs is closed after this, with its thread and its memory; another is opened in a millisecond.
const IDLE: Duration = Duration::from_secs(5);

/// Read-only connections, opened when needed. Each call is one statement: no transaction stays open.
#[derive(Clone, Debug)]
pub(super) struct Reader(SqlitePool);

// === impl Reader ===

impl Reader {
    pub(super) fn new(path: &Path) -> Self {
        let options = schema::options(path).read_only(true).pragma("cache_size", CACHE);
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).idle_timeout(IDLE);
        Self(pool.connect_lazy_with(options))
    }

    pub(super) async fn close(&self) {
        self.0.close().await;
    }

    pub(super) async fn stream(
        &self,
        stream: &str,
        version: u64,
        limit: usize,
    ) -> Result<Vec<EventRecord>, ReadError> {
        const SQL: &str = "SELECT position, stream, version, kind, payload, time, epoch FROM events \
                           WHERE stream = ? AND version > ? ORDER BY version LIMIT ?";
        let query = sqlx::query(SQL).bind(stream.to_owned()).bind(signed(version)).bind(limited(limit));
        let found = self.all(query, rows::event_record).await?;
        let gap = found.first().is_none_or(|first| first.version != version + 1);
        if gap
            && let Some(info) = self.info(stream).await?
            && version < info.trimmed
        {
            return Err(ReadError::Trimmed { after: version, horizon: info.trimmed });
        }
        Ok(found)
    }

    async fn info(&self, stream: &str) -> Result<Option<StreamInfo>, ReadError> {
        let query = sqlx::query("SELECT stream, version, trimmed, ended FROM streams WHERE stream = ?");
        self.one(query.bind(stream.to_owned()), rows::stream_info).await
    }

    pub(super) async fn feed(&self, position: u64, limit: usize) -> Result<Vec<EventRecord>, ReadError> {
        const SQL: &str = "SELECT position, stream, version, kind, payload, time, epoch FROM events \
                           WHERE position > ? ORDER BY position LIMIT ?";
        let query = sqlx::query(SQL).bind(signed(position)).bind(limited(limit));
        self.all(query, rows::event_record).await
    }

    pub(super) async fn streams(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<StreamInfo>, ReadError> {
        const SQL: &str = "SELECT stream, version, trimmed, ended FROM streams \
                           WHERE stream >= ? AND stream > ? AND (? OR stream < ?) ORDER BY stream LIMIT ?";
        self.all(listed(sqlx::query(SQL), prefix, after, limit), rows::stream_info).await
    }

    pub(super) async fn snapshot(&self, stream: &str) -> Result<Option<Snapshot>, ReadError> {
        let query = sqlx::query("SELECT stream, version, payload FROM snapshots WHERE stream = ?");
        self.one(query.bind(stream.to_owned()), rows::snapshot).await
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, ReadError> {
        let query = sqlx::query("SELECT value FROM keys WHERE key = ?");
        self.one(query.bind(key.to_owned()), |row| rows::bytes(row, 0)).await
    }

    pub(super) async fn scan(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Bytes)>, ReadError> {
        const SQL: &str = "SELECT key, value FROM keys \
                           WHERE key >= ? AND key > ? AND (? OR key < ?) ORDER BY key LIMIT ?";
        let pair = |row: &SqliteRow| Ok((row.try_get(0)?, rows::bytes(row, 1)?));
        self.all(listed(sqlx::query(SQL), prefix, after, limit), pair).await
    }

    pub(super) async fn request(
        &self,
        scope: &str,
        id: &str,
        forgotten_before: Timestamp,
    ) -> Result<Option<RequestRecord>, ReadError> {
        const SQL: &str = "SELECT scope, id, digest, answer, time FROM requests \
                           WHERE scope = ? AND id = ? AND time >= ?";
        let query = sqlx::query(SQL).bind(scope.to_owned()).bind(id.to_owned()).bind(nanos(forgotten_before));
        self.one(query, rows::request_record).await
    }

    /// The head of the feed and up to where it is trimmed. Trimming never removes the head's successor, and the
    /// head itself only together with raising the horizon to it.
    pub(super) async fn extent(&self) -> Result<(u64, u64), ReadError> {
        const SQL: &str =
            "SELECT max(horizon, coalesce((SELECT max(position) FROM events), 0)), horizon FROM journal";
        let extent = self.one(sqlx::query(SQL), |row| Ok((row.try_get(0)?, row.try_get(1)?))).await?;
        let (head, horizon) = extent.unwrap_or((0, 0));
        Ok((unsigned(head), unsigned(horizon)))
    }

    async fn all<T>(
        &self,
        query: Statement<'_>,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Vec<T>, ReadError> {
        let found = query.fetch_all(&self.0).await.map_err(ReadError::storage)?;
        found.iter().map(read).collect::<Result<_, _>>().map_err(ReadError::storage)
    }

    async fn one<T>(
        &self,
        query: Statement<'_>,
        read: impl Fn(&SqliteRow) -> Result<T, sqlx::Error>,
    ) -> Result<Option<T>, ReadError> {
        let found = query.fetch_optional(&self.0).await.map_err(ReadError::storage)?;
        found.as_ref().map(read).transpose().map_err(ReadError::storage)
    }
}

fn limited(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// Binds the bounds of a listing: from the prefix, past the last one seen, below the prefix's successor.
fn listed<'q>(query: Statement<'q>, prefix: &str, after: Option<&str>, limit: usize) -> Statement<'q> {
    let end = successor(prefix);
    let query = query.bind(prefix.to_owned()).bind(after.unwrap_or_default().to_owned());
    query.bind(end.is_none()).bind(end.unwrap_or_default()).bind(limited(limit))
}

/// The least text above everything that begins with `prefix`; none when nothing is.
fn successor(prefix: &str) -> Option<String> {
    let mut kept: Vec<char> = prefix.chars().collect();
    while let Some(last) = kept.pop() {
        // skips the surrogates, which are no characters
        let next = (u32::from(last) + 1..=0x0010_ffff).find_map(char::from_u32);
        if let Some(next) = next {
            kept.push(next);
            return Some(kept.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successors_bound_prefixes() {
        assert_eq!(successor("cursor/").as_deref(), Some("cursor0"));
        assert_eq!(successor("a\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(successor("\u{d7ff}").as_deref(), Some("\u{e000}"));
        assert_eq!(successor(""), None);
    }
}
