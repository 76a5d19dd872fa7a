-- Sign-ins, and the tokens that belong to them. Of secrets only the SHA-256 is kept.

CREATE TABLE sessions (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id       text COLLATE "C" NOT NULL,
    created_at      bigint  NOT NULL,
    last_used_at    bigint  NOT NULL,
    idle_expires_at bigint  NOT NULL,
    expires_at      bigint  NOT NULL,
    ended_at        bigint,
    second_factor   boolean NOT NULL,
    address         text COLLATE "C",
    agent           text COLLATE "C",
    cookie          bytea   UNIQUE CHECK (octet_length(cookie) = 32),
    scopes          text COLLATE "C" NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id, created_at, id);
CREATE INDEX sessions_by_client ON sessions (client_id);
CREATE INDEX sessions_by_idle_expiry ON sessions (idle_expires_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- What was ended outlives its session and user, until no token made before can count.
CREATE TABLE ended_sessions (
    id       text COLLATE "C" NOT NULL PRIMARY KEY,
    ended_at bigint NOT NULL
);

CREATE INDEX ended_sessions_by_time ON ended_sessions (ended_at);

CREATE TABLE refresh_tokens (
    digest     bytea NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    session_id text COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used_at    bigint,
    successor  bytea CHECK (octet_length(successor) = 32),
    CHECK ((used_at IS NULL) = (successor IS NULL))
);

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE access_tokens (
    id            text COLLATE "C" NOT NULL PRIMARY KEY,
    digest        bytea   NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    session_id    text COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    user_id       text COLLATE "C" NOT NULL,
    client_id     text COLLATE "C" NOT NULL,
    scopes        text COLLATE "C" NOT NULL,
    since         bigint  NOT NULL,
    second_factor boolean NOT NULL,
    issued_at     bigint  NOT NULL,
    expires_at    bigint  NOT NULL
);

CREATE INDEX access_tokens_by_session ON access_tokens (session_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);

CREATE TABLE revoked_tokens (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    expires_at bigint NOT NULL
);

CREATE INDEX revoked_tokens_by_expiry ON revoked_tokens (expires_at);

-- The engine's own time, for what a shell changes.
CREATE FUNCTION now_in_microseconds() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)
$$;

-- Whoever deletes a user, by whichever way, ends the user's sessions. We set the time ourselves;
-- a shell gets the engine's.
CREATE FUNCTION end_sessions_of_user() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE sessions SET ended_at = now_in_microseconds()
    WHERE user_id = OLD.id AND ended_at IS NULL;
    RETURN OLD;
END
$$;

CREATE TRIGGER users_end_sessions BEFORE DELETE ON users
FOR EACH ROW EXECUTE FUNCTION end_sessions_of_user();
