-- One security epoch an account: every action token, sign-in under way and remembered password hangs
-- on it. Whatever changes the password, the address or the activity raises it, even from a shell; a
-- stronger hash of the same password (`rehashed`) does not.

ALTER TABLE users ADD COLUMN security_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN rehashed INTEGER NOT NULL DEFAULT 0;

DROP TRIGGER users_tell_update;

CREATE TRIGGER users_tell_update
AFTER UPDATE OF username, email_folded, active, password_hash, security_epoch ON users BEGIN
    INSERT INTO changes (kind, subject, at) VALUES ('user', NEW.id, 0);
END;

CREATE TRIGGER users_raise_epoch AFTER UPDATE OF password_hash, email_folded, active ON users
WHEN NEW.security_epoch = OLD.security_epoch AND (
    (NEW.password_hash IS NOT OLD.password_hash AND NEW.rehashed = OLD.rehashed)
    OR NEW.email_folded IS NOT OLD.email_folded
    OR NEW.active <> OLD.active
) BEGIN
    UPDATE users SET security_epoch = security_epoch + 1 WHERE id = NEW.id;
END;
