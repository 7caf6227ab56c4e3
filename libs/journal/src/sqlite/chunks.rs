//! Many rows in few statements.
//!
//! Each statement is a round trip to the connection's thread, so a group's rows go in as multi-row statements.
//! Their sizes are powers of two: few texts, which stay prepared.

use sqlx::{AssertSqlSafe, SqliteConnection, sqlite::SqliteRow};

use super::sql::Statement;

const LARGEST: usize = 64;

/// A statement with a list of rows in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Template {
    /// Before the rows, e.g. `INSERT INTO keys (key, value) VALUES`.
    pub head: &'static str,
    /// One row, e.g. `(?, ?)`.
    pub row: &'static str,
    /// After the rows, e.g. ` ON CONFLICT …`.
    pub tail: &'static str,
}

// === impl Template ===

impl Template {
    /// Executes it over all `rows`.
    pub(super) async fn execute<T>(
        self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl for<'q> Fn(Statement<'q>, &T) -> Statement<'q>,
    ) -> Result<(), sqlx::Error> {
        for chunk in chunks(rows) {
            let statement = sqlx::query(AssertSqlSafe(self.text(chunk.len())));
            chunk.iter().fold(statement, &bind).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Everything it finds for all `rows`.
    pub(super) async fn fetch<T>(
        self,
        connection: &mut SqliteConnection,
        rows: &[T],
        bind: impl for<'q> Fn(Statement<'q>, &T) -> Statement<'q>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let mut found = vec![];
        for chunk in chunks(rows) {
            let statement = sqlx::query(AssertSqlSafe(self.text(chunk.len())));
            found.extend(chunk.iter().fold(statement, &bind).fetch_all(&mut *connection).await?);
        }
        Ok(found)
    }

    /// Only our own constants go into the text; values are bound.
    fn text(self, rows: usize) -> String {
        let rows = vec![self.row; rows].join(", ");
        format!("{} {rows}{}", self.head, self.tail)
    }
}

/// Cuts into pieces whose lengths are powers of two up to [`LARGEST`].
fn chunks<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1usize << rows.len().min(LARGEST).checked_ilog2()?;
        let (chunk, rest) = rows.split_at(length);
        rows = rest;
        Some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_few_sizes_and_lose_nothing() {
        let rows: Vec<usize> = (0..203).collect();
        let lengths: Vec<usize> = chunks(&rows).map(<[usize]>::len).collect();
        assert_eq!(lengths, [64, 64, 64, 8, 2, 1]);
        assert_eq!(chunks(&rows).flatten().copied().collect::<Vec<_>>(), rows);
        assert_eq!(chunks::<u8>(&[]).count(), 0);
    }

    #[test]
    fn text_has_a_row_for_each() {
        let template = Template { head: "INSERT INTO t VALUES", row: "(?)", tail: " RETURNING *" };
        assert_eq!(template.text(2), "INSERT INTO t VALUES (?), (?) RETURNING *");
    }
}
