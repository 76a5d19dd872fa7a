-- Programs, roles, and who holds what. A subject is a kind and an id.

CREATE TABLE clients (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    active     INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX clients_by_age ON clients (created_at, id);

CREATE TABLE roles (
    name        TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL
) STRICT;

CREATE TABLE role_permissions (
    role       TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    effect     TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
    PRIMARY KEY (role, permission, effect)
) STRICT;

CREATE TABLE role_includes (
    role     TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    included TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, included),
    CHECK (role <> included)
) STRICT;

CREATE INDEX role_includes_by_included ON role_includes (included);

CREATE TABLE subject_roles (
    subject_kind TEXT NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   TEXT NOT NULL,
    role         TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (subject_kind, subject_id, role)
) STRICT;

CREATE INDEX subject_roles_by_role ON subject_roles (role, subject_kind, subject_id);

CREATE TABLE grants (
    id           TEXT    NOT NULL PRIMARY KEY,
    subject_kind TEXT    NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   TEXT    NOT NULL,
    effect       TEXT    NOT NULL CHECK (effect IN ('allow', 'deny')),
    permission   TEXT    NOT NULL,
    condition    TEXT,
    created_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX grants_by_subject ON grants (subject_kind, subject_id, created_at, id);

CREATE TRIGGER users_take_access AFTER DELETE ON users BEGIN
    DELETE FROM subject_roles WHERE subject_kind = 'user' AND subject_id = OLD.id;
    DELETE FROM grants WHERE subject_kind = 'user' AND subject_id = OLD.id;
END;

CREATE TRIGGER clients_take_access AFTER DELETE ON clients BEGIN
    DELETE FROM subject_roles WHERE subject_kind = 'client' AND subject_id = OLD.id;
    DELETE FROM grants WHERE subject_kind = 'client' AND subject_id = OLD.id;
END;
