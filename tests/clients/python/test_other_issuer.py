"""Tokens minted by another program, joserfc, and taken by the example `other_issuer`."""

import base64
import hmac
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import httpx
import pytest
from joserfc import jwk, jwt

AUDIENCE = "https://api.example"
KEYS = {
    "EdDSA": lambda: jwk.OKPKey.generate_key("Ed25519", {"kid": "ed", "alg": "EdDSA", "use": "sig"}),
    "ES256": lambda: jwk.ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"}),
    "RS256": lambda: jwk.RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256", "use": "sig"}),
}


class Issuer:
    """Publishes its metadata and keys on loopback, and signs with joserfc."""

    def __init__(self):
        self.keys = {name: make() for name, make in KEYS.items()}
        self.fetches = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/tenant/.well-known/openid-configuration":
                    body = {"issuer": issuer.url, "jwks_uri": f"{issuer.url}/jwks"}
                elif self.path == "/tenant/jwks":
                    issuer.fetches += 1
                    keys = [key.as_dict(private=False) for key in issuer.keys.values()]
                    body = {"keys": keys}
                else:
                    self.send_error(404)
                    return
                text = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/tenant"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def claims(self, **other):
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "u1",
            "iat": now,
            "exp": now + 300,
            "jti": "t1",
            "client_id": "web",
            "scope": "items:read",
            "preferred_username": "ada",
            "groups": ["staff"],
        }
        claims = usual | other
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, algorithm="EdDSA", *, header=None, key=None, **other):
        key = key or self.keys[algorithm]
        head = {"alg": algorithm, "typ": "at+jwt", "kid": key.kid} | (header or {})
        return jwt.encode(head, self.claims(**other), key, algorithms=[*KEYS])


def base64url(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def issuer():
    issuer = Issuer()
    yield issuer
    issuer.server.shutdown()


@pytest.fixture(scope="module")
def api(issuer):
    binary = pathlib.Path(os.environ["BINARY_UNDER_TEST"]).parent / "examples" / "other_issuer"
    listen = f"127.0.0.1:{free_port()}"
    with subprocess.Popen([binary, issuer.url, AUDIENCE, listen]) as process:
        with httpx.Client(base_url=f"http://{listen}", timeout=10) as client:
            deadline = time.monotonic() + 30
            while True:
                try:
                    client.get("/")
                    break
                except httpx.TransportError:
                    assert process.poll() is None, "the example ended"
                    assert time.monotonic() < deadline, "the example did not start"
                    time.sleep(0.05)
            yield client
        process.kill()


def get(api, path, token):
    return api.get(path, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("algorithm", KEYS)
def test_a_good_token_is_taken(api, issuer, algorithm):
    token = issuer.token(algorithm)
    answer = get(api, "/me", token)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"issuer": issuer.url, "subject": "u1", "name": "ada"}
    assert get(api, "/items", token).status_code == 200
    # It is limited to that scope, whatever groups its user is in.
    assert get(api, "/write", token).status_code == 403
    assert get(api, "/boss", token).status_code == 403


def test_scopes_and_roles_are_what_the_token_says(api, issuer):
    unlimited = issuer.token(scope="openid")
    assert get(api, "/write", unlimited).status_code == 200
    assert get(api, "/items", unlimited).status_code == 403
    assert get(api, "/boss", issuer.token(groups=["boss"])).status_code == 403
    assert get(api, "/boss", issuer.token(groups=["boss"], scope="openid")).status_code == 200
    assert get(api, "/write", issuer.token(groups=[], scope="openid")).status_code == 403
    refused = get(api, "/items", issuer.token(scope=None))
    assert refused.status_code == 403
    assert 'error="insufficient_scope", scope="items:read"' in refused.headers["www-authenticate"]
    assert get(api, "/items", issuer.token(scope=None, scp=["items:read"])).status_code == 200


def test_several_audiences_are_fine_where_ours_is_among_them(api, issuer):
    assert get(api, "/me", issuer.token(aud=["https://x.example", AUDIENCE])).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://login.example"},
        {"aud": "https://other.example"},
        {"aud": None},
        {"sub": None},
        {"exp": None},
        {"exp": 1_000_000_000},
        {"nbf": 4_000_000_000},
        {"header": {"typ": "JWT"}},
        {"header": {"typ": "JWT"}, "nonce": "n-0S6_WzA2Mj"},
        {"header": {"kid": "nobody's"}},
        {"header": {"jku": "http://127.0.0.1:9/jwks"}},
    ],
    ids=str,
)
def test_a_wrong_token_is_refused(api, issuer, wrong):
    answer = get(api, "/me", issuer.token(**wrong))
    assert answer.status_code == 401, answer.text
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_strangers_key_of_the_same_name_is_refused(api, issuer):
    stranger = jwk.OKPKey.generate_key("Ed25519", {"kid": "ed", "alg": "EdDSA"})
    assert get(api, "/me", issuer.token(key=stranger)).status_code == 401


def test_a_public_key_is_no_shared_secret(api, issuer):
    # By hand: joserfc will not take a public key for a secret either.
    secret = issuer.keys["RS256"].as_pem(private=False)
    parts = [{"alg": "HS256", "typ": "at+jwt", "kid": "rsa"}, issuer.claims()]
    signed = b".".join(base64url(json.dumps(part).encode()) for part in parts)
    tag = hmac.digest(secret, signed, "sha256")
    token = b".".join([signed, base64url(tag)]).decode()
    assert get(api, "/me", token).status_code == 401


def test_unknown_keys_do_not_make_it_ask_again_and_again(api, issuer):
    before = issuer.fetches
    for number in range(50):
        assert get(api, "/me", issuer.token(header={"kid": f"k{number}"})).status_code == 401
    assert issuer.fetches <= before + 1
