//! Where evidence is kept between restarts: a file of its own, rows overwritten, never events.
//!
//! Evidence is worth seconds, not fsyncs: a row that is five seconds old is completed by the sources' cumulative
//! counters. Hence `synchronous=NORMAL`, and a file apart from the journal, so that one's traffic does not slow
//! the other's commits.

use std::path::{Path, PathBuf};

use sqlx::{Row, SqlitePool};

use crate::rows;

mod form;

pub use form::{pack, unpack};

/// The rows, by kind and key.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// None: nothing is kept (the journal is in memory too).
    pool: Option<SqlitePool>,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The evidence and last counters of an analysis, by its name.
    Analysis,
    /// The last hour of a fleet, by target and fleet.
    History,
}

/// A row to write, or to remove.
#[derive(Clone, Debug, PartialEq)]
pub struct Put {
    /// What it is about.
    pub kind: Kind,
    /// Its key.
    pub key: String,
    /// None removes it.
    pub value: Option<Vec<u8>>,
}

/// The file cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("the evidence in {path} cannot be {doing}")]
pub struct EvidenceError {
    path: PathBuf,
    doing: &'static str,
    #[source]
    source: sqlx::Error,
}

const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS evidence (\
     kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID";

// === impl Evidence ===

impl Evidence {
    /// In this file; made when it is absent.
    ///
    /// # Errors
    /// It cannot be opened, or is none of ours.
    pub async fn open(path: &Path) -> Result<Self, EvidenceError> {
        let failed = |source| EvidenceError { path: path.to_owned(), doing: "opened", source };
        let pool = rows::open(Some(path), &[SCHEMA]).await.map_err(failed)?;
        Ok(Self { pool: Some(pool) })
    }

    /// Nowhere: everything is forgotten with the process.
    pub fn nowhere() -> Self {
        Self { pool: None }
    }

    /// All rows of a kind.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn all(&self, kind: Kind) -> Result<Vec<(String, Vec<u8>)>, EvidenceError> {
        let Some(pool) = &self.pool else { return Ok(Vec::new()) };
        let query = sqlx::query("SELECT key, value FROM evidence WHERE kind = ?").bind(kind.name());
        let rows = query.fetch_all(pool).await.map_err(|source| self.failed("read", source))?;
        let pair = |row: sqlx::sqlite::SqliteRow| Ok((row.try_get(0)?, row.try_get(1)?));
        rows.into_iter().map(pair).collect::<Result<_, _>>().map_err(|source| self.failed("read", source))
    }

    /// Writes and removes rows, all or none.
    ///
    /// # Errors
    /// The file cannot be written; the rows are as they were.
    pub async fn put(&self, rows: Vec<Put>) -> Result<(), EvidenceError> {
        let Some(pool) = &self.pool else { return Ok(()) };
        if rows.is_empty() {
            return Ok(());
        }
        write(pool, rows).await.map_err(|source| self.failed("written", source))
    }

    /// Finishes what is under way.
    pub async fn close(&self) {
        if let Some(pool) = &self.pool {
            pool.close().await;
        }
    }

    fn failed(&self, doing: &'static str, source: sqlx::Error) -> EvidenceError {
        let options = self.pool.as_ref().map(|pool| pool.connect_options().get_filename().to_owned());
        EvidenceError { path: options.unwrap_or_default(), doing, source }
    }
}

async fn write(pool: &SqlitePool, rows: Vec<Put>) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    for Put { kind, key, value } in rows {
        match value {
            Some(value) => {
                let sql = "INSERT INTO evidence (kind, key, value) VALUES (?, ?, ?) \
                           ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value";
                sqlx::query(sql).bind(kind.name()).bind(key).bind(value).execute(&mut *transaction).await?;
            }
            None => {
                let sql = "DELETE FROM evidence WHERE kind = ? AND key = ?";
                sqlx::query(sql).bind(kind.name()).bind(key).execute(&mut *transaction).await?;
            }
        }
    }
    transaction.commit().await
}

// === impl Kind ===

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::History => "history",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn rows_are_overwritten_and_survive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evidence.db");
        let put = |key: &str, value: Option<&[u8]>| Put {
            kind: Kind::Analysis,
            key: key.to_owned(),
            value: value.map(<[u8]>::to_vec),
        };
        let evidence = Evidence::open(&path).await.unwrap();
        evidence.put(vec![put("a", Some(b"1")), put("b", Some(b"2"))]).await.unwrap();
        evidence.put(vec![put("a", Some(b"3")), put("b", None)]).await.unwrap();
        evidence.close().await;
        let evidence = Evidence::open(&path).await.unwrap();
        assert_eq!(evidence.all(Kind::Analysis).await.unwrap(), [("a".to_owned(), b"3".to_vec())]);
        assert!(evidence.all(Kind::History).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_file_that_is_none_of_ours_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evidence.db");
        std::fs::write(&path, vec![b'x'; 4096]).unwrap();
        let refusal = Evidence::open(&path).await.unwrap_err().to_string();
        assert!(refusal.contains("evidence.db cannot be opened"), "{refusal}");
    }
}
