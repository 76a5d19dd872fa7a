-- What changed, for those who remember. Triggers write it, so that no process can forget to, not
-- even a shell. `at` is when a session ended, or when a revoked token would have expired.

CREATE TABLE changes (
    seq     INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    kind    TEXT    NOT NULL,
    subject TEXT    NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE TRIGGER users_tell_update AFTER UPDATE OF username, active, password_hash ON users BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('user', NEW.id, 0);
END;

CREATE TRIGGER users_tell_delete AFTER DELETE ON users BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('user', OLD.id, 0);
END;

CREATE TRIGGER clients_tell_update AFTER UPDATE OF name, active ON clients BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('client', NEW.id, 0);
END;

CREATE TRIGGER clients_tell_delete AFTER DELETE ON clients BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('client', OLD.id, 0);
END;

CREATE TRIGGER subject_roles_tell_insert AFTER INSERT ON subject_roles BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (NEW.subject_kind, NEW.subject_id, 0);
END;

CREATE TRIGGER subject_roles_tell_update AFTER UPDATE ON subject_roles BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (OLD.subject_kind, OLD.subject_id, 0);
    INSERT INTO changes (kind, subject, at) VALUES (NEW.subject_kind, NEW.subject_id, 0);
END;

CREATE TRIGGER subject_roles_tell_delete AFTER DELETE ON subject_roles BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (OLD.subject_kind, OLD.subject_id, 0);
END;

CREATE TRIGGER grants_tell_insert AFTER INSERT ON grants BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (NEW.subject_kind, NEW.subject_id, 0);
END;

CREATE TRIGGER grants_tell_update AFTER UPDATE ON grants BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (OLD.subject_kind, OLD.subject_id, 0);
    INSERT INTO changes (kind, subject, at) VALUES (NEW.subject_kind, NEW.subject_id, 0);
END;

CREATE TRIGGER grants_tell_delete AFTER DELETE ON grants BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (OLD.subject_kind, OLD.subject_id, 0);
END;

CREATE TRIGGER roles_tell_insert AFTER INSERT ON roles BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER roles_tell_update AFTER UPDATE ON roles BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER roles_tell_delete AFTER DELETE ON roles BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER role_permissions_tell_insert AFTER INSERT ON role_permissions BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER role_permissions_tell_update AFTER UPDATE ON role_permissions BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER role_permissions_tell_delete AFTER DELETE ON role_permissions BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER role_includes_tell_insert AFTER INSERT ON role_includes BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER role_includes_tell_update AFTER UPDATE ON role_includes BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER role_includes_tell_delete AFTER DELETE ON role_includes BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('roles', '', 0);
END;

CREATE TRIGGER signing_keys_tell_insert AFTER INSERT ON signing_keys BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('keys', '', 0);
END;

CREATE TRIGGER signing_keys_tell_update AFTER UPDATE ON signing_keys BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('keys', '', 0);
END;

CREATE TRIGGER signing_keys_tell_delete AFTER DELETE ON signing_keys BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('keys', '', 0);
END;

CREATE TRIGGER sessions_tell_end AFTER UPDATE OF ended_at ON sessions
WHEN NEW.ended_at IS NOT NULL AND OLD.ended_at IS NULL BEGIN
    INSERT INTO ended_sessions (id, ended_at) VALUES (NEW.id, NEW.ended_at)
        ON CONFLICT (id) DO NOTHING;
    INSERT INTO changes (kind, subject, at) VALUES ('session', NEW.id, NEW.ended_at);
END;

-- A session that is deleted while it counts is ended with it.
CREATE TRIGGER sessions_tell_delete AFTER DELETE ON sessions
WHEN OLD.ended_at IS NULL
    AND OLD.expires_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER)
    AND OLD.idle_expires_at > CAST(unixepoch('subsec') * 1000000 AS INTEGER) BEGIN
    INSERT INTO ended_sessions (id, ended_at)
        VALUES (OLD.id, CAST(unixepoch('subsec') * 1000000 AS INTEGER))
        ON CONFLICT (id) DO NOTHING;
    INSERT INTO changes (kind, subject, at)
        VALUES ('session', OLD.id, CAST(unixepoch('subsec') * 1000000 AS INTEGER));
END;

CREATE TRIGGER revoked_tokens_tell_insert AFTER INSERT ON revoked_tokens BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('token', NEW.id, NEW.expires_at);
END;

CREATE TRIGGER revoked_tokens_tell_update AFTER UPDATE ON revoked_tokens BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('token', NEW.id, NEW.expires_at);
END;
