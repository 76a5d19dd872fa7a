"""Nothing that works as a credential stands in the database or in the log."""

import re
import sqlite3
import subprocess
import urllib.parse

import httpx

from portcullis_process import PASSWORDS, POSTGRES, basic, bearer

NEW_PASSWORD = "a-password-nobody-should-read"


def kept(server) -> tuple[str, bytes]:
    """All that the database holds, as text and as it lies on the disk."""
    if POSTGRES:
        schema = (server.folder / "schema").read_text()
        words = ["pg_dump", "--inserts", "--schema", schema, "--dbname", POSTGRES]
        dump = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        return dump, dump.encode()
    (file,) = server.folder.glob("*.db")
    raw = b"".join(path.read_bytes() for path in server.folder.glob("*.db*"))
    return "\n".join(sqlite3.connect(file).iterdump()), raw


def test_neither_the_database_nor_the_log_holds_a_secret(own):
    server = own(PORTCULLIS_SERVER_LOG="trace")
    secrets = set(PASSWORDS.values()) | {NEW_PASSWORD}
    for path in ["/token", "/auth/jwt/login", "/auth/opaque/login"]:
        tokens = server.tokens("alice", path)
        secrets |= {tokens["access_token"], tokens["refresh_token"]}
        refreshed = server.refresh(tokens["refresh_token"]).json()
        secrets |= {refreshed["access_token"], refreshed["refresh_token"]}
        httpx.get(server.url + "/protected", headers=bearer(refreshed["access_token"]))
        httpx.get(server.url + "/protected?access_token=" + refreshed["access_token"])
    with httpx.Client(base_url=server.url, timeout=20) as client:
        form = {"username": "alice", "password": PASSWORDS["alice"]}
        client.post("/auth/cookie/login", data=form, headers={"Origin": server.url})
        secrets.add(client.cookies["portcullis"])
        client.get("/protected")
    with httpx.Client(base_url=server.url, timeout=20) as client:
        made = client.post("/users/me/api-keys", auth=basic("ada"), json={"name": "leak"}).json()
        secrets.add(made["key"])
        client.get("/protected", headers={"X-API-Key": made["key"]})
        body = {"username": "new-one", "password": NEW_PASSWORD}
        assert client.post("/auth/register", json=body).status_code == 201
        client.get("/protected", auth=("new-one", NEW_PASSWORD))
        for query in [{"grant_type": "password", "username": "new-one", "password": NEW_PASSWORD}]:
            client.post("/token", params=query)
        client.post("/token", data=form | {"grant_type": "password", "password": [NEW_PASSWORD] * 2})
        client.post("/items", auth=basic("mona"), content=NEW_PASSWORD.encode())
        client.post("/auth/register", json={"username": 1, "password": NEW_PASSWORD})
    assert server.stop() == 0
    dump, raw = kept(server)
    if POSTGRES and (password := urllib.parse.urlsplit(POSTGRES).password):
        secrets.add(password)
    for table in ["users", "sessions", "access_tokens", "refresh_tokens", "api_keys"]:
        assert re.search(rf'INSERT INTO "?(\w+\.)?{table}', dump), table
    assert "$argon2id$" in dump
    # The welcome lists the sample users on purpose; the log begins where the first line has a level.
    lines = server.said().splitlines()
    log = "\n".join(line for line in lines if re.match(r"\S*\d{4}-\d\d-\d\dT", line))
    assert "answered" in log
    for secret in secrets:
        parts = {secret} | ({secret.rsplit(".", 1)[1]} if secret.count(".") == 2 else set())
        for part in parts:
            assert part not in dump, "in the database"
            assert part.encode() not in raw, "in the database's file"
            assert part not in log, "in the log"
    assert "PRIVATE KEY" not in dump
