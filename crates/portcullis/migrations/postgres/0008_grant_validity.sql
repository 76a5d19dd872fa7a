-- From when on, and until when, a grant counts.

ALTER TABLE grants ADD COLUMN valid_from bigint;
ALTER TABLE grants ADD COLUMN valid_until bigint;
