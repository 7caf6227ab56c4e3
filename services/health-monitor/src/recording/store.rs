//! The file of recordings.

use std::{collections::BTreeMap, ops::RangeInclusive, path::Path, time::Duration};

use bellwether_clock::Timestamp;
use sqlx::{Row as _, SqlitePool};

use super::{AROUND, Counted, Story, chunk::Chunk};
use crate::{health::Vitals, rows};

/// How long recordings are kept.
const KEPT: Duration = Duration::from_secs(400 * 86_400);
/// A row holds at most this much.
const MINUTE: i64 = 60;

const SCHEMA: [&str; 6] = [
    "CREATE TABLE IF NOT EXISTS recent (target TEXT NOT NULL, start INTEGER NOT NULL, value BLOB NOT NULL, \
     PRIMARY KEY (target, start)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS kept (target TEXT NOT NULL, start INTEGER NOT NULL, value BLOB NOT NULL, \
     PRIMARY KEY (target, start)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS story (analysis TEXT PRIMARY KEY, target TEXT NOT NULL, began INTEGER NOT NULL, \
     ended INTEGER, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS vital (target TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS sessions (analysis TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS progress (id INTEGER PRIMARY KEY CHECK (id = 0), position INTEGER NOT NULL)",
];

/// Minutes by target, and what happened to each analysis. Without a pool nothing is kept.
#[derive(Clone, Debug)]
pub struct Store(Option<SqlitePool>);

/// The file cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("the recordings cannot be {doing}")]
pub struct RecordingError {
    doing: &'static str,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

// === impl Store ===

impl Store {
    /// In this file, made when it is absent; without one in memory.
    ///
    /// # Errors
    /// It cannot be opened, or is none of ours.
    pub async fn open(path: Option<&Path>) -> Result<Self, RecordingError> {
        let pool = rows::open(path, &SCHEMA).await.map_err(failed("opened"))?;
        Ok(Self(Some(pool)))
    }

    /// Nowhere: what is put is forgotten. For simulations, which SQLite's threads would make unrepeatable.
    pub fn nowhere() -> Self {
        Self(None)
    }

    /// Adds minutes.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn put(&self, chunks: Vec<(String, Chunk)>) -> Result<(), RecordingError> {
        let Some(pool) = &self.0 else { return Ok(()) };
        if chunks.is_empty() {
            return Ok(());
        }
        let mut transaction = pool.begin().await.map_err(failed("written"))?;
        for (target, chunk) in chunks {
            let start = chunk.start;
            let value = chunk.pack().map_err(failed("written"))?;
            sqlx::query("INSERT OR REPLACE INTO recent (target, start, value) VALUES (?, ?, ?)")
                .bind(target)
                .bind(start)
                .bind(value)
                .execute(&mut *transaction)
                .await
                .map_err(failed("written"))?;
        }
        transaction.commit().await.map_err(failed("written"))
    }

    /// The minutes of a target that hold seconds of this span, in order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn chunks(
        &self,
        target: &str,
        span: &RangeInclusive<i64>,
    ) -> Result<Vec<Vec<u8>>, RecordingError> {
        let Some(pool) = &self.0 else { return Ok(Vec::new()) };
        let sql = "SELECT value FROM (SELECT target, start, value FROM kept UNION SELECT target, start, value \
                   FROM recent) WHERE target = ? AND start BETWEEN ? AND ? ORDER BY start";
        let query = sqlx::query(sql).bind(target).bind(span.start().saturating_sub(MINUTE)).bind(*span.end());
        let rows = query.fetch_all(pool).await.map_err(failed("read"))?;
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed("read"))
    }

    /// Moves minutes that are over an hour old to those that are kept, where there was a rollout within an hour of
    /// them, and forgets the others and what is too old.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn retain(&self, now: Timestamp) -> Result<(), RecordingError> {
        let Some(pool) = &self.0 else { return Ok(()) };
        let around = i64::try_from(AROUND.as_secs()).unwrap_or(i64::MAX);
        let (old, oldest) = (now.as_second() - around - MINUTE, (now - KEPT).as_second());
        let mut transaction = pool.begin().await.map_err(failed("written"))?;
        let keep = "INSERT OR REPLACE INTO kept SELECT target, start, value FROM recent WHERE start < ?1 AND EXISTS \
                    (SELECT 1 FROM story WHERE story.target = recent.target AND recent.start >= began - ?2 - 60 \
                    AND recent.start <= COALESCE(ended, ?1) + ?2)";
        sqlx::query(keep)
            .bind(old)
            .bind(around)
            .execute(&mut *transaction)
            .await
            .map_err(failed("written"))?;
        for (sql, before) in [
            ("DELETE FROM sessions WHERE analysis IN (SELECT analysis FROM story WHERE ended < ?)", oldest),
            ("DELETE FROM recent WHERE start < ?", old),
            ("DELETE FROM kept WHERE start < ?", oldest),
            ("DELETE FROM story WHERE ended < ?", oldest),
        ] {
            sqlx::query(sql).bind(before).execute(&mut *transaction).await.map_err(failed("written"))?;
        }
        transaction.commit().await.map_err(failed("written"))
    }

    /// What happened to an analysis. None: nothing is known of it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn story(&self, analysis: &str) -> Result<Option<Story>, RecordingError> {
        let Some(pool) = &self.0 else { return Ok(None) };
        let query = sqlx::query("SELECT value FROM story WHERE analysis = ?").bind(analysis);
        let Some(row) = query.fetch_optional(pool).await.map_err(failed("read"))? else { return Ok(None) };
        let value: Vec<u8> = row.try_get(0).map_err(failed("read"))?;
        serde_json::from_slice(&value).map(Some).map_err(failed("read"))
    }

    /// The sessions of a rollout; none where nothing is known, or what is cannot be read.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn sessions(&self, analysis: &str) -> Result<Option<Counted>, RecordingError> {
        let Some(pool) = &self.0 else { return Ok(None) };
        let query = sqlx::query("SELECT value FROM sessions WHERE analysis = ?").bind(analysis);
        let Some(row) = query.fetch_optional(pool).await.map_err(failed("read"))? else { return Ok(None) };
        let value: Vec<u8> = row.try_get(0).map_err(failed("read"))?;
        Ok(Counted::unpack(&value))
    }

    /// Adds the sessions of a rollout to those that are kept of it.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub async fn keep_sessions(&self, analysis: &str, counted: &Counted) -> Result<(), RecordingError> {
        let Some(pool) = &self.0 else { return Ok(()) };
        let kept = self.sessions(analysis).await?;
        let Some(sum) = Counted::joined(kept, Some(counted.clone())) else { return Ok(()) };
        sqlx::query("INSERT OR REPLACE INTO sessions (analysis, value) VALUES (?, ?)")
            .bind(analysis)
            .bind(sum.pack().map_err(failed("written"))?)
            .execute(pool)
            .await
            .map_err(failed("written"))?;
        Ok(())
    }

    /// Up to where the journal was followed.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn position(&self) -> Result<u64, RecordingError> {
        let Some(pool) = &self.0 else { return Ok(0) };
        let query = sqlx::query("SELECT position FROM progress");
        let Some(row) = query.fetch_optional(pool).await.map_err(failed("read"))? else { return Ok(0) };
        let position: i64 = row.try_get(0).map_err(failed("read"))?;
        Ok(u64::try_from(position).unwrap_or(0))
    }

    /// Keeps what happened, and up to where the journal was followed, both or neither.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn tell(&self, stories: Vec<Story>, position: u64) -> Result<(), RecordingError> {
        let Some(pool) = &self.0 else { return Ok(()) };
        let mut transaction = pool.begin().await.map_err(failed("written"))?;
        for story in stories {
            let value = serde_json::to_vec(&story).map_err(failed("written"))?;
            sqlx::query(
                "INSERT OR REPLACE INTO story (analysis, target, began, ended, value) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(&story.analysis.name)
            .bind(&story.analysis.target)
            .bind(story.began.as_second())
            .bind(story.ended.map(Timestamp::as_second))
            .bind(value)
            .execute(&mut *transaction)
            .await
            .map_err(failed("written"))?;
        }
        sqlx::query("INSERT OR REPLACE INTO progress (id, position) VALUES (0, ?)")
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .execute(&mut *transaction)
            .await
            .map_err(failed("written"))?;
        transaction.commit().await.map_err(failed("written"))
    }

    /// How the targets were when it was last kept. What cannot be read begins anew.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn vitals(&self) -> Result<BTreeMap<String, Vitals>, RecordingError> {
        let Some(pool) = &self.0 else { return Ok(BTreeMap::new()) };
        let rows = sqlx::query("SELECT target, value FROM vital").fetch_all(pool).await;
        let mut vitals = BTreeMap::new();
        for row in rows.map_err(failed("read"))? {
            let target: String = row.try_get(0).map_err(failed("read"))?;
            let value: Vec<u8> = row.try_get(1).map_err(failed("read"))?;
            match serde_json::from_slice(&value) {
                Ok(read) => _ = vitals.insert(target, read),
                Err(error) => tracing::warn!(%error, target, "how it is begins anew"),
            }
        }
        Ok(vitals)
    }

    /// Keeps how the targets are, and forgets the others.
    ///
    /// # Errors
    /// The file cannot be written.
    pub async fn keep_vitals(&self, rows: Vec<(String, Vec<u8>)>) -> Result<(), RecordingError> {
        let Some(pool) = &self.0 else { return Ok(()) };
        let mut transaction = pool.begin().await.map_err(failed("written"))?;
        sqlx::query("DELETE FROM vital").execute(&mut *transaction).await.map_err(failed("written"))?;
        for (target, value) in rows {
            let insert =
                sqlx::query("INSERT INTO vital (target, value) VALUES (?, ?)").bind(target).bind(value);
            insert.execute(&mut *transaction).await.map_err(failed("written"))?;
        }
        transaction.commit().await.map_err(failed("written"))
    }

    /// Finishes what is under way.
    pub async fn close(&self) {
        if let Some(pool) = &self.0 {
            pool.close().await;
        }
    }
}

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    doing: &'static str,
) -> impl Fn(E) -> RecordingError + Copy {
    move |source| RecordingError { doing, source: source.into() }
}
