//! Rows in and out.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    chunks::Template,
    sql::{bind_bytes, nanos, signed, time, unsigned},
};
use crate::{EventRecord, RequestRecord, Snapshot, StreamInfo};

/// Streams by their names.
pub(super) const STREAMS_NAMED: Template = Template {
    head: "SELECT stream, version, trimmed, ended FROM streams WHERE stream IN (",
    row: "?",
    tail: ")",
};

/// Requests by scope and id.
pub(super) const REQUESTS_NAMED: Template = Template {
    head: "SELECT scope, id, digest, answer, time FROM requests WHERE (scope, id) IN (VALUES",
    row: "(?, ?)",
    tail: ")",
};

const EVENTS: Template = Template {
    head: "INSERT INTO events (position, stream, version, kind, payload, time, epoch) VALUES",
    row: "(?, ?, ?, ?, ?, ?, ?)",
    tail: "",
};

const STREAMS: Template = Template {
    head: "INSERT INTO streams (stream, version, trimmed, ended) VALUES",
    row: "(?, ?, ?, ?)",
    tail: " ON CONFLICT (stream) DO UPDATE SET version = excluded.version, ended = excluded.ended",
};

const KEYS: Template = Template {
    head: "INSERT INTO keys (key, value) VALUES",
    row: "(?, ?)",
    tail: " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
};

const KEYS_GONE: Template = Template { head: "DELETE FROM keys WHERE key IN (", row: "?", tail: ")" };

const SNAPSHOTS: Template = Template {
    head: "INSERT INTO snapshots (stream, version, payload) VALUES",
    row: "(?, ?, ?)",
    tail: " ON CONFLICT (stream) DO UPDATE SET version = excluded.version, payload = excluded.payload",
};

/// One that is there already is too old to count.
const REQUESTS: Template = Template {
    head: "INSERT OR REPLACE INTO requests (scope, id, digest, answer, time) VALUES",
    row: "(?, ?, ?, ?, ?)",
    tail: "",
};

pub(super) async fn write_events(
    connection: &mut SqliteConnection,
    events: &[EventRecord],
) -> Result<(), sqlx::Error> {
    EVENTS
        .execute(connection, events, |query, event| {
            let query =
                query.bind(signed(event.position)).bind(event.stream.clone()).bind(signed(event.version));
            let query = bind_bytes(query.bind(event.kind.clone()), &event.payload);
            query.bind(nanos(event.time)).bind(signed(event.epoch))
        })
        .await
}

pub(super) async fn write_streams(
    connection: &mut SqliteConnection,
    streams: &[&StreamInfo],
) -> Result<(), sqlx::Error> {
    STREAMS
        .execute(connection, streams, |query, info| {
            let query = query.bind(info.stream.clone()).bind(signed(info.version));
            query.bind(signed(info.trimmed)).bind(info.ended)
        })
        .await
}

pub(super) async fn write_keys(
    connection: &mut SqliteConnection,
    keys: BTreeMap<String, Option<Bytes>>,
) -> Result<(), sqlx::Error> {
    let (mut set, mut gone) = (vec![], vec![]);
    for (key, value) in keys {
        match value {
            Some(value) => set.push((key, value)),
            None => gone.push(key),
        }
    }
    KEYS.execute(connection, &set, |query, (key, value)| bind_bytes(query.bind(key.clone()), value)).await?;
    KEYS_GONE.execute(connection, &gone, |query, key| query.bind(key.clone())).await
}

pub(super) async fn write_snapshots(
    connection: &mut SqliteConnection,
    snapshots: Vec<Snapshot>,
) -> Result<(), sqlx::Error> {
    SNAPSHOTS
        .execute(connection, &snapshots, |query, snapshot| {
            let query = query.bind(snapshot.stream.clone()).bind(signed(snapshot.version));
            bind_bytes(query, &snapshot.payload)
        })
        .await
}

pub(super) async fn write_requests(
    connection: &mut SqliteConnection,
    requests: &[RequestRecord],
) -> Result<(), sqlx::Error> {
    REQUESTS
        .execute(connection, requests, |query, request| {
            let query = query.bind(request.scope.clone()).bind(request.id.clone());
            let query = query.bind(request.digest.to_vec());
            bind_bytes(query, &request.answer).bind(nanos(request.time))
        })
        .await
}

/// From `position, stream, version, kind, payload, time, epoch`.
pub(super) fn event_record(row: &SqliteRow) -> Result<EventRecord, sqlx::Error> {
    Ok(EventRecord {
        position: unsigned(row.try_get(0)?),
        stream: text(row, 1)?,
        version: unsigned(row.try_get(2)?),
        kind: text(row, 3)?,
        payload: bytes(row, 4)?,
        time: time(row.try_get(5)?),
        epoch: unsigned(row.try_get(6)?),
    })
}

/// From `stream, version, trimmed, ended`.
pub(super) fn stream_info(row: &SqliteRow) -> Result<StreamInfo, sqlx::Error> {
    Ok(StreamInfo {
        stream: text(row, 0)?,
        version: unsigned(row.try_get(1)?),
        trimmed: unsigned(row.try_get(2)?),
        ended: row.try_get(3)?,
    })
}

/// From `stream, version, payload`.
pub(super) fn snapshot(row: &SqliteRow) -> Result<Snapshot, sqlx::Error> {
    Ok(Snapshot { stream: text(row, 0)?, version: unsigned(row.try_get(1)?), payload: bytes(row, 2)? })
}

/// From `scope, id, digest, answer, time`.
pub(super) fn request_record(row: &SqliteRow) -> Result<RequestRecord, sqlx::Error> {
    let digest: &[u8] = row.try_get(2)?;
    Ok(RequestRecord {
        scope: row.try_get(0)?,
        id: row.try_get(1)?,
        digest: digest.try_into().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        answer: bytes(row, 3)?,
        time: time(row.try_get(4)?),
    })
}

/// Opaque bytes.
pub(super) fn bytes(row: &SqliteRow, column: usize) -> Result<Bytes, sqlx::Error> {
    row.try_get::<Vec<u8>, _>(column).map(Bytes::from)
}

fn text(row: &SqliteRow, column: usize) -> Result<Arc<str>, sqlx::Error> {
    row.try_get::<&str, _>(column).map(Arc::from)
}
