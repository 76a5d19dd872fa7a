-- API keys: tokens that people make for their own programs. Only the SHA-256 is kept.

CREATE TABLE api_keys (
    id           TEXT    NOT NULL PRIMARY KEY,
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    user_id      TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

-- Also where a shell leaves foreign keys off.
CREATE TRIGGER users_take_api_keys AFTER DELETE ON users BEGIN
    DELETE FROM api_keys WHERE user_id = OLD.id;
END;

-- Nobody remembers a key that does not exist yet, so only an end is told.
CREATE TRIGGER api_keys_tell_delete AFTER DELETE ON api_keys BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('api_keys', '', 0);
END;

CREATE TRIGGER api_keys_tell_update AFTER UPDATE OF digest, user_id, scopes, expires_at ON api_keys
BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('api_keys', '', 0);
END;
