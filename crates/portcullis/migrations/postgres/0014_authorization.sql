-- The authorization code flow: codes, what people consented to, and which browser session a session at a client
-- belongs to.

ALTER TABLE sessions ADD COLUMN parent text COLLATE "C";

CREATE INDEX sessions_by_parent ON sessions (parent);

-- Of a code only the SHA-256 is kept. A used one stays until no token that it gave can live: shown again, it ends them.
CREATE TABLE authorization_codes (
    digest       bytea   NOT NULL PRIMARY KEY CHECK (octet_length(digest) = 32),
    client_id    text COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    session_id   text COLLATE "C" NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    redirect_uri text COLLATE "C" NOT NULL,
    challenge    text COLLATE "C" NOT NULL,
    scopes       text COLLATE "C" NOT NULL,
    offline      boolean NOT NULL,
    nonce        text COLLATE "C",
    created_at   bigint  NOT NULL,
    expires_at   bigint  NOT NULL,
    -- The session that it gave.
    used_for     text COLLATE "C"
);

CREATE INDEX authorization_codes_by_session ON authorization_codes (session_id, created_at);
CREATE INDEX authorization_codes_by_client ON authorization_codes (client_id);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);

CREATE TABLE consents (
    user_id    text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  text COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope      text COLLATE "C" NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (user_id, client_id, scope)
);

CREATE INDEX consents_by_client ON consents (client_id);
