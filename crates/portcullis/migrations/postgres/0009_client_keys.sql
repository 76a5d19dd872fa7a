-- API keys may also belong to clients. A subject is a kind and an id, as for roles and grants.

DROP TRIGGER api_keys_tell_update ON api_keys;
DROP INDEX api_keys_by_user;

ALTER TABLE api_keys DROP CONSTRAINT api_keys_user_id_fkey;
ALTER TABLE api_keys RENAME COLUMN user_id TO subject_id;
ALTER TABLE api_keys ADD COLUMN subject_kind text COLLATE "C" NOT NULL DEFAULT 'user'
    CHECK (subject_kind IN ('user', 'client'));
ALTER TABLE api_keys ALTER COLUMN subject_kind DROP DEFAULT;

CREATE INDEX api_keys_by_subject ON api_keys (subject_kind, subject_id, created_at, id);

-- The argument is the kind of subject that the table holds.
CREATE FUNCTION take_api_keys() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    DELETE FROM api_keys WHERE subject_kind = TG_ARGV[0] AND subject_id = OLD.id;
    RETURN NULL;
END
$$;

CREATE TRIGGER users_take_api_keys AFTER DELETE ON users
FOR EACH ROW EXECUTE FUNCTION take_api_keys('user');

CREATE TRIGGER clients_take_api_keys AFTER DELETE ON clients
FOR EACH ROW EXECUTE FUNCTION take_api_keys('client');

CREATE TRIGGER api_keys_tell_update
AFTER UPDATE OF digest, subject_kind, subject_id, scopes, expires_at ON api_keys
FOR EACH ROW EXECUTE FUNCTION tell_kind('api_keys');
