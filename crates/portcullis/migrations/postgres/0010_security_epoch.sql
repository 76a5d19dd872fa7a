-- One security epoch an account: every action token, sign-in under way and remembered password hangs
-- on it. Whatever changes the password, the address or the activity raises it, even from a shell; a
-- stronger hash of the same password (`rehashed`) does not.

ALTER TABLE users ADD COLUMN security_epoch bigint NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN rehashed bigint NOT NULL DEFAULT 0;

DROP TRIGGER users_tell_update ON users;

CREATE TRIGGER users_tell_update
AFTER UPDATE OF username, email_folded, active, password_hash, security_epoch ON users
FOR EACH ROW EXECUTE FUNCTION tell_self('user');

CREATE FUNCTION raise_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.security_epoch := OLD.security_epoch + 1;
    RETURN NEW;
END
$$;

CREATE TRIGGER users_raise_epoch BEFORE UPDATE OF password_hash, email_folded, active ON users
FOR EACH ROW WHEN (NEW.security_epoch = OLD.security_epoch AND (
    (NEW.password_hash IS DISTINCT FROM OLD.password_hash AND NEW.rehashed = OLD.rehashed)
    OR NEW.email_folded IS DISTINCT FROM OLD.email_folded
    OR NEW.active <> OLD.active
)) EXECUTE FUNCTION raise_epoch();
