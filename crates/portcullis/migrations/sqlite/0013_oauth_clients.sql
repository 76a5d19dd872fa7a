-- What a client may ask for, and by which secrets it is known. Lists have a space between.

ALTER TABLE clients ADD COLUMN confidential INTEGER NOT NULL DEFAULT 0 CHECK (confidential IN (0, 1));
ALTER TABLE clients ADD COLUMN first_party INTEGER NOT NULL DEFAULT 0 CHECK (first_party IN (0, 1));
ALTER TABLE clients ADD COLUMN grant_types TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris TEXT NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN scopes TEXT NOT NULL DEFAULT '"all"';
-- Tokens that the client got for itself before this moment do not count.
ALTER TABLE clients ADD COLUMN tokens_from INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER clients_tell_update;

CREATE TRIGGER clients_tell_update AFTER UPDATE OF name, active, tokens_from ON clients BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('client', NEW.id, 0);
END;

-- A secret that was drawn is kept as its SHA-256, one that somebody chose as an Argon2 hash.
CREATE TABLE client_secrets (
    id            TEXT    NOT NULL PRIMARY KEY,
    client_id     TEXT    NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest        BLOB    CHECK (length(digest) = 32),
    password_hash TEXT,
    created_at    INTEGER NOT NULL,
    CHECK ((digest IS NULL) <> (password_hash IS NULL))
) STRICT;

CREATE INDEX client_secrets_by_client ON client_secrets (client_id, created_at, id);

-- Also where a shell leaves foreign keys off.
CREATE TRIGGER clients_take_secrets AFTER DELETE ON clients BEGIN
    DELETE FROM client_secrets WHERE client_id = OLD.id;
END;

-- A client that speaks for itself has an access token without a session.
CREATE TABLE access_tokens_of_subjects (
    id            TEXT    NOT NULL PRIMARY KEY,
    digest        BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    session_id    TEXT    REFERENCES sessions (id) ON DELETE CASCADE,
    subject_kind  TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id    TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    -- For which API; NULL where it is for this server's own.
    audience      TEXT,
    since         INTEGER NOT NULL,
    second_factor INTEGER NOT NULL CHECK (second_factor IN (0, 1)),
    issued_at     INTEGER NOT NULL,
    expires_at    INTEGER NOT NULL,
    CHECK ((subject_kind = 'user') = (session_id IS NOT NULL))
) STRICT;

INSERT INTO access_tokens_of_subjects
    SELECT id, digest, session_id, 'user', user_id, client_id, scopes, NULL, since,
        second_factor, issued_at, expires_at
    FROM access_tokens;

DROP TABLE access_tokens;

ALTER TABLE access_tokens_of_subjects RENAME TO access_tokens;

CREATE INDEX access_tokens_by_session ON access_tokens (session_id);
CREATE INDEX access_tokens_by_expiry ON access_tokens (expires_at);
