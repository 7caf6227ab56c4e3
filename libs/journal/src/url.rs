//! The choice of a journal is one URL.

use std::{path::Path, sync::Arc};

use crate::{Journal, MemoryJournal, MemoryStore, OpenError, Options, SqliteJournal};

/// Opens the journal at `url`: `sqlite:PATH` (also `sqlite://PATH`) or `memory:` (new and empty each time).
pub async fn open(url: &str, options: Options) -> Result<Arc<dyn Journal>, OpenError> {
    if url == "memory:" {
        return Ok(Arc::new(MemoryJournal::open(&MemoryStore::new(&options.env), options)));
    }
    let path = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    match path {
        Some(path) if !path.is_empty() => Ok(Arc::new(SqliteJournal::open(Path::new(path), options).await?)),
        Some(_) | None => Err(OpenError::Url { url: url.to_owned() }),
    }
}
