-- API keys may also belong to clients. A subject is a kind and an id, as for roles and grants.

DROP TRIGGER users_take_api_keys;

CREATE TABLE api_keys_of_subjects (
    id           TEXT    NOT NULL PRIMARY KEY,
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    subject_kind TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

INSERT INTO api_keys_of_subjects
    SELECT id, digest, 'user', user_id, name, scopes, created_at, expires_at, last_used_at
    FROM api_keys;

DROP TABLE api_keys;

ALTER TABLE api_keys_of_subjects RENAME TO api_keys;

CREATE INDEX api_keys_by_subject ON api_keys (subject_kind, subject_id, created_at, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

CREATE TRIGGER users_take_api_keys AFTER DELETE ON users BEGIN
    DELETE FROM api_keys WHERE subject_kind = 'user' AND subject_id = OLD.id;
END;

CREATE TRIGGER clients_take_api_keys AFTER DELETE ON clients BEGIN
    DELETE FROM api_keys WHERE subject_kind = 'client' AND subject_id = OLD.id;
END;

-- Nobody remembers a key that does not exist yet, so only an end is told.
CREATE TRIGGER api_keys_tell_delete AFTER DELETE ON api_keys BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('api_keys', '', 0);
END;

CREATE TRIGGER api_keys_tell_update
AFTER UPDATE OF digest, subject_kind, subject_id, scopes, expires_at ON api_keys BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('api_keys', '', 0);
END;
