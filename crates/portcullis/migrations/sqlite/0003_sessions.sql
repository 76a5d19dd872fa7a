-- Sign-ins, and the tokens that belong to them. Of secrets only the SHA-256 is kept.

CREATE TABLE sessions (
    id              TEXT    NOT NULL PRIMARY KEY,
    user_id         TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id       TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER NOT NULL,
    idle_expires_at INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    ended_at        INTEGER,
    second_factor   INTEGER NOT NULL CHECK (second_factor IN (0, 1)),
    address         TEXT,
    agent           TEXT,
    cookie          BLOB    UNIQUE CHECK (length(cookie) = 32),
    scopes          TEXT    NOT NULL
) STRICT;

CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_by_client ON sessions (client_id);
CREATE INDEX sessions_by_idle_expiry ON sessions (idle_expires_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- What was ended outlives its session and user, until no token made before can count.
CREATE TABLE ended_sessions (
    id       TEXT    NOT NULL PRIMARY KEY,
    ended_at INTEGER NOT NULL
) STRICT;

CREATE INDEX ended_sessions_by_time ON ended_sessions (ended_at);

CREATE TABLE refresh_tokens (
    digest     BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    session_id TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used_at    INTEGER,
    successor  BLOB    CHECK (length(successor) = 32),
    CHECK ((used_at IS NULL) = (successor IS NULL))
) STRICT;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE access_tokens (
    id            TEXT    NOT NULL PRIMARY KEY,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    session_id    TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id       TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    since         INTEGER NOT NULL,
    second_factor INTEGER NOT NULL CHECK (second_factor IN (0, 1)),
    issued_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX access_tokens_by_session ON access_tokens (session_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

CREATE TABLE revoked_tokens (
    id         TEXT    NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- Whoever deletes a user, by whichever way, ends the user's sessions. We set the time ourselves;
-- a shell gets the engine's.
CREATE TRIGGER users_end_sessions BEFORE DELETE ON users BEGIN
    UPDATE sessions SET ended_at = CAST(unixepoch('subsec') * 1000000 AS INTEGER)
    WHERE user_id = OLD.id AND ended_at IS NULL;
END;
