-- What happened. Rows are only ever added, each chained by its hash to the one before; the end is
-- sealed under the master secret.

CREATE TABLE audit (
    seq          bigint NOT NULL PRIMARY KEY,
    at           bigint NOT NULL,
    action       text COLLATE "C" NOT NULL,
    outcome      text COLLATE "C" NOT NULL CHECK (outcome IN ('success', 'failure')),
    actor_kind   text COLLATE "C" NOT NULL,
    actor_id     text COLLATE "C" NOT NULL,
    actor_name   text COLLATE "C" NOT NULL,
    subject_kind text COLLATE "C",
    subject_id   text COLLATE "C",
    subject_name text COLLATE "C",
    address      text COLLATE "C",
    request_id   text COLLATE "C",
    details      text COLLATE "C" NOT NULL,
    hash         bytea  NOT NULL CHECK (octet_length(hash) = 32),
    CHECK ((subject_kind IS NULL) = (subject_id IS NULL)),
    CHECK ((subject_kind IS NULL) = (subject_name IS NULL))
);

CREATE INDEX audit_by_time ON audit (at);
CREATE INDEX audit_by_action ON audit (action, seq);
CREATE INDEX audit_by_actor_id ON audit (actor_id, seq);
CREATE INDEX audit_by_actor_name ON audit (actor_name, seq);
CREATE INDEX audit_by_subject_id ON audit (subject_id, seq);
CREATE INDEX audit_by_subject_name ON audit (subject_name, seq);

CREATE TABLE audit_head (
    "only" integer NOT NULL PRIMARY KEY CHECK ("only" = 1),
    seq    bigint NOT NULL,
    hash   bytea  NOT NULL CHECK (octet_length(hash) = 32),
    seal   bytea  NOT NULL CHECK (octet_length(seal) = 32)
);

CREATE FUNCTION refuse_change_of_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log only grows';
END
$$;

CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit();

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit();

CREATE TRIGGER audit_refuses_truncate BEFORE TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();

CREATE TRIGGER audit_head_refuses_delete BEFORE DELETE ON audit_head
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit();

CREATE TRIGGER audit_head_refuses_truncate BEFORE TRUNCATE ON audit_head
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();

CREATE TRIGGER audit_head_goes_on BEFORE UPDATE ON audit_head
FOR EACH ROW WHEN (NEW.seq <= OLD.seq)
EXECUTE FUNCTION refuse_change_of_audit();
