-- The authorization code flow: codes, what people consented to, and which browser session a session at a client
-- belongs to.

ALTER TABLE sessions ADD COLUMN parent TEXT;

CREATE INDEX sessions_by_parent ON sessions (parent);

-- Of a code only the SHA-256 is kept. A used one stays until no token that it gave can live: shown again, it ends them.
CREATE TABLE authorization_codes (
    digest       BLOB    NOT NULL PRIMARY KEY CHECK (length(digest) = 32),
    client_id    TEXT    NOT NULL,
    session_id   TEXT    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    redirect_uri TEXT    NOT NULL,
    challenge    TEXT    NOT NULL,
    scopes       TEXT    NOT NULL,
    offline      INTEGER NOT NULL CHECK (offline IN (0, 1)),
    nonce        TEXT,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    -- The session that it gave.
    used_for     TEXT
) STRICT;

CREATE INDEX authorization_codes_by_session ON authorization_codes (session_id, created_at);
CREATE INDEX authorization_codes_by_expiry ON authorization_codes (expires_at);

CREATE TABLE consents (
    user_id    TEXT    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client_id  TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    scope      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, client_id, scope)
) STRICT;

CREATE INDEX consents_by_client ON consents (client_id);

-- Also where a shell leaves foreign keys off.
CREATE TRIGGER clients_take_consents AFTER DELETE ON clients BEGIN
    DELETE FROM consents WHERE client_id = OLD.id;
    DELETE FROM authorization_codes WHERE client_id = OLD.id;
END;

CREATE TRIGGER users_take_consents AFTER DELETE ON users BEGIN
    DELETE FROM consents WHERE user_id = OLD.id;
END;
