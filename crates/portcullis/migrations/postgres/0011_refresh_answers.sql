-- From where a refresh token was used, and which access token answered it: what tells a lost answer that
-- is asked for again from a copied token.

ALTER TABLE refresh_tokens ADD COLUMN used_from text COLLATE "C";
ALTER TABLE refresh_tokens ADD COLUMN answer text COLLATE "C";
