-- Programs, roles, and who holds what. A subject is a kind and an id.

CREATE TABLE clients (
    id         text COLLATE "C" NOT NULL PRIMARY KEY,
    name       text COLLATE "C" NOT NULL,
    active     boolean NOT NULL,
    created_at bigint  NOT NULL
);

CREATE INDEX clients_by_age ON clients (created_at, id);

CREATE TABLE roles (
    name        text COLLATE "C" NOT NULL PRIMARY KEY,
    description text COLLATE "C" NOT NULL
);

CREATE TABLE role_permissions (
    role       text COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission text COLLATE "C" NOT NULL,
    effect     text COLLATE "C" NOT NULL CHECK (effect IN ('allow', 'deny')),
    PRIMARY KEY (role, permission, effect)
);

CREATE TABLE role_includes (
    role     text COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    included text COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (role, included),
    CHECK (role <> included)
);

CREATE INDEX role_includes_by_included ON role_includes (included);

CREATE TABLE subject_roles (
    subject_kind text COLLATE "C" NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   text COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (subject_kind, subject_id, role)
);

CREATE INDEX subject_roles_by_role ON subject_roles (role, subject_kind, subject_id);

CREATE TABLE grants (
    id           text COLLATE "C" NOT NULL PRIMARY KEY,
    subject_kind text COLLATE "C" NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   text COLLATE "C" NOT NULL,
    effect       text COLLATE "C" NOT NULL CHECK (effect IN ('allow', 'deny')),
    permission   text COLLATE "C" NOT NULL,
    condition    text COLLATE "C",
    created_at   bigint NOT NULL
);

CREATE INDEX grants_by_subject ON grants (subject_kind, subject_id, created_at, id);

-- The argument is the kind of subject that the table holds.
CREATE FUNCTION take_access() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM subject_roles WHERE subject_kind = TG_ARGV[0] AND subject_id = OLD.id;
    DELETE FROM grants WHERE subject_kind = TG_ARGV[0] AND subject_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_take_access AFTER DELETE ON users
FOR EACH ROW EXECUTE FUNCTION take_access('user');

CREATE TRIGGER clients_take_access AFTER DELETE ON clients
FOR EACH ROW EXECUTE FUNCTION take_access('client');
