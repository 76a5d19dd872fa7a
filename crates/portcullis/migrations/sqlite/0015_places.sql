-- Roles and grants that count in one place, such as in one tenant. A place is written `tenant:acme`.

CREATE TABLE subject_roles_within (
    subject_kind TEXT NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   TEXT NOT NULL,
    place        TEXT NOT NULL,
    role         TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (subject_kind, subject_id, place, role)
) STRICT;

CREATE INDEX subject_roles_within_by_role ON subject_roles_within (role);

ALTER TABLE grants ADD COLUMN place TEXT;

CREATE TRIGGER users_take_roles_within AFTER DELETE ON users BEGIN
    DELETE FROM subject_roles_within WHERE subject_kind = 'user' AND subject_id = OLD.id;
END;

CREATE TRIGGER clients_take_roles_within AFTER DELETE ON clients BEGIN
    DELETE FROM subject_roles_within WHERE subject_kind = 'client' AND subject_id = OLD.id;
END;

CREATE TRIGGER subject_roles_within_tell_insert AFTER INSERT ON subject_roles_within BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (NEW.subject_kind, NEW.subject_id, 0);
END;

CREATE TRIGGER subject_roles_within_tell_update AFTER UPDATE ON subject_roles_within BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (OLD.subject_kind, OLD.subject_id, 0);
    INSERT INTO changes (kind, subject, at) VALUES (NEW.subject_kind, NEW.subject_id, 0);
END;

CREATE TRIGGER subject_roles_within_tell_delete AFTER DELETE ON subject_roles_within BEGIN
    INSERT INTO changes (kind, subject, at) VALUES (OLD.subject_kind, OLD.subject_id, 0);
END;
