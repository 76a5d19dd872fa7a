-- API keys: tokens that people make for their own programs. Only the SHA-256 is kept.

CREATE TABLE api_keys (
    id           text COLLATE "C" NOT NULL PRIMARY KEY,
    digest       bytea  NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    user_id      text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         text COLLATE "C" NOT NULL,
    scopes       text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    last_used_at bigint
);

CREATE INDEX api_keys_by_user ON api_keys (user_id, created_at, id);
CREATE INDEX api_keys_by_expiry ON api_keys (expires_at);

-- Nobody remembers a key that does not exist yet, so only an end is told.
CREATE TRIGGER api_keys_tell_delete AFTER DELETE ON api_keys
FOR EACH ROW EXECUTE FUNCTION tell_kind('api_keys');

CREATE TRIGGER api_keys_tell_update AFTER UPDATE OF digest, user_id, scopes, expires_at ON api_keys
FOR EACH ROW EXECUTE FUNCTION tell_kind('api_keys');

CREATE TRIGGER api_keys_tell_truncate AFTER TRUNCATE ON api_keys
FOR EACH STATEMENT EXECUTE FUNCTION tell_kind('api_keys');
