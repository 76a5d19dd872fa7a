-- Signing keys, their private parts encrypted.

CREATE TABLE signing_keys (
    id          text COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm   text COLLATE "C" NOT NULL,
    sealed      bytea  NOT NULL,
    created_at  bigint NOT NULL,
    signs_from  bigint NOT NULL,
    signs_until bigint,
    retired_at  bigint
);
