-- One row: what this journal is, and up to which position retention has removed events.
CREATE TABLE journal (
    id      TEXT    NOT NULL,
    horizon INTEGER NOT NULL
);

-- Who owns the journal. Every commit raises `renewals` under its own `epoch` in the same transaction.
CREATE TABLE owners (
    shard    INTEGER PRIMARY KEY,
    epoch    INTEGER NOT NULL,
    renewals INTEGER NOT NULL,
    pid      INTEGER NOT NULL,
    lock     TEXT    NOT NULL -- name of the file, beside this one, that the owner holds locked
);

CREATE TABLE streams (
    stream  TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    trimmed INTEGER NOT NULL, -- events up to this version are gone
    ended   INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE events (
    position INTEGER PRIMARY KEY, -- dense, in commit order
    stream   TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    kind     TEXT    NOT NULL,
    payload           NOT NULL,   -- text when it is UTF-8, so that people can read it
    time     INTEGER NOT NULL,    -- nanoseconds since 1970
    epoch    INTEGER NOT NULL
);
CREATE UNIQUE INDEX events_by_stream ON events (stream, version);

CREATE TABLE snapshots (
    stream  TEXT    PRIMARY KEY,
    version INTEGER NOT NULL,
    payload         NOT NULL
);

CREATE TABLE keys (
    key   TEXT PRIMARY KEY,
    value      NOT NULL
) WITHOUT ROWID;

CREATE TABLE requests (
    scope  TEXT    NOT NULL,
    id     TEXT    NOT NULL,
    digest BLOB    NOT NULL,
    answer         NOT NULL,
    time   INTEGER NOT NULL,      -- nanoseconds since 1970
    PRIMARY KEY (scope, id)
) WITHOUT ROWID;
CREATE INDEX requests_by_time ON requests (time);
