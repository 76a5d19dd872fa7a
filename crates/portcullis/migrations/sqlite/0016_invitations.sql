-- Invitations: tokens by which somebody may register. Only the SHA-256 is kept.

CREATE TABLE invitations (
    id           TEXT    NOT NULL PRIMARY KEY,
    digest       BLOB    NOT NULL UNIQUE CHECK (length(digest) = 32),
    email        TEXT,
    roles        TEXT    NOT NULL,
    subject_kind TEXT    NOT NULL,
    subject_id   TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX invitations_by_age ON invitations (created_at, id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
