//! The event log: commit with version and epoch, keyed table, change feed; SQLite and memory.
