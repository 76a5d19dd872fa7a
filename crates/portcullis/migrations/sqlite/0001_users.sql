-- People with accounts. Times are microseconds since 1970; ids are UUIDs as text.

CREATE TABLE users (
    id              TEXT    NOT NULL PRIMARY KEY,
    username        TEXT    NOT NULL,
    username_folded TEXT    NOT NULL UNIQUE,
    name            TEXT,
    email           TEXT,
    email_folded    TEXT    UNIQUE,
    email_verified  INTEGER NOT NULL CHECK (email_verified IN (0, 1)),
    active          INTEGER NOT NULL CHECK (active IN (0, 1)),
    password_hash   TEXT,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX users_by_age ON users (created_at, id);
