-- Roles and grants that count in one place, such as in one tenant. A place is written `tenant:acme`.

CREATE TABLE subject_roles_within (
    subject_kind text COLLATE "C" NOT NULL CHECK (subject_kind IN ('user', 'client')),
    subject_id   text COLLATE "C" NOT NULL,
    place        text COLLATE "C" NOT NULL,
    role         text COLLATE "C" NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    PRIMARY KEY (subject_kind, subject_id, place, role)
);

CREATE INDEX subject_roles_within_by_role ON subject_roles_within (role);

ALTER TABLE grants ADD COLUMN place text COLLATE "C";

-- The argument is the kind of subject that the table holds.
CREATE FUNCTION take_roles_within() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM subject_roles_within WHERE subject_kind = TG_ARGV[0] AND subject_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_take_roles_within AFTER DELETE ON users
FOR EACH ROW EXECUTE FUNCTION take_roles_within('user');

CREATE TRIGGER clients_take_roles_within AFTER DELETE ON clients
FOR EACH ROW EXECUTE FUNCTION take_roles_within('client');

CREATE TRIGGER subject_roles_within_tell
AFTER INSERT OR UPDATE OR DELETE ON subject_roles_within
FOR EACH ROW EXECUTE FUNCTION tell_subject();

CREATE TRIGGER subject_roles_within_tell_truncate AFTER TRUNCATE ON subject_roles_within
FOR EACH STATEMENT EXECUTE FUNCTION tell_kind('everything');
