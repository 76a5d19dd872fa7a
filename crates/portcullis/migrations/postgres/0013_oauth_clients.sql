-- What a client may ask for, and by which secrets it is known. Lists have a space between.

ALTER TABLE clients ADD COLUMN confidential boolean NOT NULL DEFAULT false;
ALTER TABLE clients ADD COLUMN first_party boolean NOT NULL DEFAULT false;
ALTER TABLE clients ADD COLUMN grant_types text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN redirect_uris text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN post_logout_redirect_uris text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE clients ADD COLUMN scopes text COLLATE "C" NOT NULL DEFAULT '"all"';
-- Tokens that the client got for itself before this moment do not count.
ALTER TABLE clients ADD COLUMN tokens_from bigint NOT NULL DEFAULT 0;

DROP TRIGGER clients_tell_update ON clients;

CREATE TRIGGER clients_tell_update AFTER UPDATE OF name, active, tokens_from ON clients
FOR EACH ROW EXECUTE FUNCTION tell_self('client');

-- A secret that was drawn is kept as its SHA-256, one that somebody chose as an Argon2 hash.
CREATE TABLE client_secrets (
    id            text COLLATE "C" NOT NULL PRIMARY KEY,
    client_id     text COLLATE "C" NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    digest        bytea  CHECK (octet_length(digest) = 32),
    password_hash text COLLATE "C",
    created_at    bigint NOT NULL,
    CHECK ((digest IS NULL) <> (password_hash IS NULL))
);

CREATE INDEX client_secrets_by_client ON client_secrets (client_id, created_at, id);

-- A client that speaks for itself has an access token without a session.
ALTER TABLE access_tokens ALTER COLUMN session_id DROP NOT NULL;
ALTER TABLE access_tokens RENAME COLUMN user_id TO subject_id;
ALTER TABLE access_tokens ADD COLUMN subject_kind text COLLATE "C" NOT NULL DEFAULT 'user'
    CHECK (subject_kind IN ('user', 'client'));
ALTER TABLE access_tokens ALTER COLUMN subject_kind DROP DEFAULT;
-- For which API; NULL where it is for this server's own.
ALTER TABLE access_tokens ADD COLUMN audience text COLLATE "C";
ALTER TABLE access_tokens ADD CHECK ((subject_kind = 'user') = (session_id IS NOT NULL));
