-- Invitations: tokens by which somebody may register. Only the SHA-256 is kept.

CREATE TABLE invitations (
    id           text COLLATE "C" NOT NULL PRIMARY KEY,
    digest       bytea  NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    email        text COLLATE "C",
    roles        text COLLATE "C" NOT NULL,
    subject_kind text COLLATE "C" NOT NULL,
    subject_id   text COLLATE "C" NOT NULL,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL
);

CREATE INDEX invitations_by_age ON invitations (created_at, id);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
