//! Retention, in steps small enough not to hold up commits.

use bellwether_clock::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::{
    sql::{execute, nanos, unsigned},
    status::Status,
    transaction::{Failure, abandon, begin, finish},
};
use crate::{Options, Trimmed, options::before};

const MOST_STREAMS: i64 = 16;
const MOST_EVENTS: i64 = 500;
const MOST_REQUESTS: i64 = 1000;

/// What is old enough to go.
#[derive(Debug)]
pub(super) struct Cut {
    events: Timestamp,
    requests: Timestamp,
}

/// Versions of one stream that go.
#[derive(Debug)]
struct Range {
    stream: String,
    after: i64,
    through: i64,
}

// === impl Cut ===

impl Cut {
    /// By the clock and the retention of `options`.
    pub(super) fn new(options: &Options) -> Self {
        let Options { env, retention, .. } = options;
        Self { events: before(env, retention.events), requests: before(env, retention.requests) }
    }
}

/// One transaction of retention; whether there may be more to do.
pub(super) async fn trim_step(
    connection: &mut SqliteConnection,
    epoch: u64,
    cut: &Cut,
    status: &Status,
) -> Result<(Trimmed, bool), Failure> {
    begin(connection, epoch).await?;
    match remove(connection, cut, status).await {
        Ok(done) => {
            finish(connection).await?;
            Ok((done, done != Trimmed::default()))
        }
        Err(error) => Err(abandon(connection, error).await),
    }
}

async fn remove(
    connection: &mut SqliteConnection,
    cut: &Cut,
    status: &Status,
) -> Result<Trimmed, sqlx::Error> {
    let mut events = 0;
    for range in ranges(connection, cut.events).await? {
        events += remove_range(connection, &range, status).await?;
    }
    const REQUESTS: &str = "DELETE FROM requests WHERE (scope, id) IN \
                            (SELECT scope, id FROM requests WHERE time < ? LIMIT ?)";
    let query = sqlx::query(REQUESTS).bind(nanos(cut.requests)).bind(MOST_REQUESTS);
    let requests = execute(connection, query).await?.rows_affected();
    Ok(Trimmed { events, requests })
}

/// Of ended streams, what lies below the snapshot and before the first event that is young enough to stay.
async fn ranges(connection: &mut SqliteConnection, old: Timestamp) -> Result<Vec<Range>, sqlx::Error> {
    const RANGES: &str = "\
        SELECT stream, trimmed, min(through, trimmed + ?) FROM ( \
            SELECT s.stream, s.trimmed, min(n.version, coalesce( \
                (SELECT min(e.version) - 1 FROM events e \
                 WHERE e.stream = s.stream AND e.version <= n.version AND e.time >= ?), n.version)) AS through \
            FROM streams s JOIN snapshots n USING (stream) \
            WHERE s.ended AND s.trimmed < n.version) \
        WHERE through > trimmed LIMIT ?";
    let query = sqlx::query(RANGES).bind(MOST_EVENTS).bind(nanos(old)).bind(MOST_STREAMS);
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| Ok(Range { stream: row.try_get(0)?, after: row.try_get(1)?, through: row.try_get(2)? }))
        .collect()
}

async fn remove_range(
    connection: &mut SqliteConnection,
    range: &Range,
    status: &Status,
) -> Result<u64, sqlx::Error> {
    let last = sqlx::query_scalar("SELECT position FROM events WHERE stream = ? AND version = ?");
    let last: i64 = last.bind(range.stream.clone()).bind(range.through).fetch_one(&mut *connection).await?;
    status.raise_horizon(unsigned(last));
    let horizon = sqlx::query("UPDATE journal SET horizon = max(horizon, ?)").bind(last);
    execute(connection, horizon).await?;
    let trimmed = sqlx::query("UPDATE streams SET trimmed = ? WHERE stream = ?");
    execute(connection, trimmed.bind(range.through).bind(range.stream.clone())).await?;
    let events = sqlx::query("DELETE FROM events WHERE stream = ? AND version > ? AND version <= ?");
    let events = events.bind(range.stream.clone()).bind(range.after).bind(range.through);
    Ok(execute(connection, events).await?.rows_affected())
}
