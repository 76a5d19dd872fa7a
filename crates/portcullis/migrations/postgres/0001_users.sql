-- People with accounts. Times are microseconds since 1970; ids are UUIDs as text. Text is compared by
-- its bytes, as SQLite does it: an order or a prefix means the same on every server.

CREATE TABLE users (
    id              text COLLATE "C" NOT NULL PRIMARY KEY,
    username        text COLLATE "C" NOT NULL,
    username_folded text COLLATE "C" NOT NULL UNIQUE,
    name            text COLLATE "C",
    email           text COLLATE "C",
    email_folded    text COLLATE "C" UNIQUE,
    email_verified  boolean NOT NULL,
    active          boolean NOT NULL,
    password_hash   text COLLATE "C",
    created_at      bigint  NOT NULL,
    updated_at      bigint  NOT NULL
);

CREATE INDEX users_by_age ON users (created_at, id);

-- Held by whoever writes until its transaction ends: one writer at a time in a schema, so that changes are
-- numbered, and the audit log is chained, in the order of the commits.
CREATE FUNCTION hold_writing() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1886548836, 'users'::regclass::oid::integer);
END
$$;

-- A row that readiness writes: it proves that the database takes changes.
CREATE TABLE readiness (
    one     integer NOT NULL PRIMARY KEY CHECK (one = 1),
    written boolean NOT NULL
);

INSERT INTO readiness (one, written) VALUES (1, false);
