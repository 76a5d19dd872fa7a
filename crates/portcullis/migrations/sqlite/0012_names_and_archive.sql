-- What a username looks like (UTS 39, section 4): two that look alike have one skeleton. Accounts of
-- before have none until the next start of a server writes it.

ALTER TABLE users ADD COLUMN username_skeleton TEXT;

CREATE UNIQUE INDEX users_by_skeleton ON users (username_skeleton);

-- Whether a key was made by somebody who may give rights: others' keys of a client end when it is given
-- more. Of older keys it is not known.

ALTER TABLE api_keys ADD COLUMN by_administrator INTEGER NOT NULL DEFAULT 0
    CHECK (by_administrator IN (0, 1));

-- Where the audit log begins once its older rows lie in an archive: the last archived row and its hash,
-- sealed under the master secret as the end is.

CREATE TABLE audit_base (
    only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
    seq  INTEGER NOT NULL,
    hash BLOB    NOT NULL CHECK (length(hash) = 32),
    seal BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;

CREATE TRIGGER audit_base_refuses_delete BEFORE DELETE ON audit_base BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

CREATE TRIGGER audit_base_refuses_replace BEFORE INSERT ON audit_base
WHEN EXISTS (SELECT 1 FROM audit_base) BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

-- It goes on, or is sealed anew where it is.
CREATE TRIGGER audit_base_goes_on BEFORE UPDATE ON audit_base
WHEN NEW.seq < OLD.seq OR (NEW.seq = OLD.seq AND NEW.hash <> OLD.hash) BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;

DROP TRIGGER audit_refuses_delete;

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
WHEN OLD.seq > COALESCE((SELECT seq FROM audit_base), 0) BEGIN
    SELECT RAISE(ABORT, 'the audit log only grows');
END;
