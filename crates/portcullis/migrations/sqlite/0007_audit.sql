-- What happened. Rows are only ever added, each chained by its hash to the one before; the end is
-- sealed under the master secret.

CREATE TABLE audit (
    seq          INTEGER NOT NULL PRIMARY KEY,
    at           INTEGER NOT NULL,
    action       TEXT    NOT NULL,
    outcome      TEXT    NOT NULL CHECK (outcome IN ('success', 'failure')),
    actor_kind   TEXT    NOT NULL,
    actor_id     TEXT    NOT NULL,
    actor_name   TEXT    NOT NULL,
    subject_kind TEXT,
    subject_id   TEXT,
    subject_name TEXT,
    address      TEXT,
    request_id   TEXT,
    details      TEXT    NOT NULL,
    hash         BLOB    NOT NULL CHECK (length(hash) = 32),
    CHECK ((subject_kind IS NULL) = (subject_id IS NULL)),
    CHECK ((subject_kind IS NULL) = (subject_name IS NULL))
) STRICT;

CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE INDEX audit_by_actor_id ON audit (actor_id, seq);
CREATE INDEX audit_by_actor_name ON audit (actor_name, seq);
CREATE INDEX audit_by_subject_id ON audit (subject_id, seq);
CREATE INDEX audit_by_subject_name ON audit (subject_name, seq);

CREATE TABLE audit_head (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL CHECK (length(hash) = 32),
    seal BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;

CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

-- INSERT OR REPLACE deletes without a word to the trigger above.
CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq) BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

CREATE TRIGGER audit_head_refuses_delete BEFORE DELETE ON audit_head BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

CREATE TRIGGER audit_head_refuses_replace BEFORE INSERT ON audit_head
WHEN EXISTS (SELECT 1 FROM audit_head) BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head WHEN NEW.seq <= OLD.seq BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;
