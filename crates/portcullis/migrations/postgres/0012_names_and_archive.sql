-- What a username looks like (UTS 39, section 4): two that look alike have one skeleton. Accounts of
-- before have none until the next start of a server writes it.

ALTER TABLE users ADD COLUMN username_skeleton text COLLATE "C";

CREATE UNIQUE INDEX users_by_skeleton ON users (username_skeleton);

-- Whether a key was made by somebody who may give rights: others' keys of a client end when it is given
-- more. Of older keys it is not known.

ALTER TABLE api_keys ADD COLUMN by_administrator boolean NOT NULL DEFAULT false;

-- Where the audit log begins once its older rows lie in an archive: the last archived row and its hash,
-- sealed under the master secret as the end is.

CREATE TABLE audit_base (
    "only" integer NOT NULL PRIMARY KEY CHECK ("only" = 1),
    seq    bigint NOT NULL,
    hash   bytea  NOT NULL CHECK (octet_length(hash) = 32),
    seal   bytea  NOT NULL CHECK (octet_length(seal) = 32)
);

CREATE TRIGGER audit_base_refuses_delete BEFORE DELETE ON audit_base
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_audit();

CREATE TRIGGER audit_base_refuses_truncate BEFORE TRUNCATE ON audit_base
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_audit();

-- It goes on, or is sealed anew where it is.
CREATE TRIGGER audit_base_goes_on BEFORE UPDATE ON audit_base
FOR EACH ROW WHEN (NEW.seq < OLD.seq OR (NEW.seq = OLD.seq AND NEW.hash <> OLD.hash))
EXECUTE FUNCTION refuse_change_of_audit();

DROP TRIGGER audit_refuses_delete ON audit;

CREATE FUNCTION refuse_delete_of_audit() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF OLD.seq > COALESCE((SELECT seq FROM audit_base), 0) THEN
        RAISE EXCEPTION 'the audit log only grows';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
FOR EACH ROW EXECUTE FUNCTION refuse_delete_of_audit();
