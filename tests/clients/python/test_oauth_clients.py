"""Well-kept clients, as their users use them."""

import jwt
import oauthlib.oauth2
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from requests_oauthlib import OAuth2Session

from portcullis_process import PASSWORDS, bearer


@pytest.fixture(autouse=True)
def over_plain_loopback(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def legacy(**more) -> OAuth2Session:
    return OAuth2Session(client=oauthlib.oauth2.LegacyApplicationClient(client_id=None), **more)


def test_requests_oauthlib_signs_in_refreshes_and_retries(demo):
    session = legacy()
    form = {"username": "alice", "password": PASSWORDS["alice"]}
    token = session.fetch_token(demo.url + "/token", include_client_id=False, **form)
    assert session.get(demo.url + "/protected").json() == {"message": "Hello, alice!"}
    renewed = session.refresh_token(demo.url + "/token", refresh_token=token["refresh_token"])
    assert renewed["refresh_token"] != token["refresh_token"]
    assert session.get(demo.url + "/protected").status_code == 200


def test_requests_oauthlib_refreshes_by_itself_when_a_token_has_expired(demo):
    old = demo.tokens("alice") | {"expires_in": -10, "expires_at": 1}
    kept = []
    session = OAuth2Session(
        client_id=None,
        token=old,
        auto_refresh_url=demo.url + "/token",
        auto_refresh_kwargs={},
        token_updater=kept.append,
    )
    assert session.get(demo.url + "/protected").status_code == 200
    assert kept[0]["refresh_token"] != old["refresh_token"]


def test_oauthlib_reads_our_errors(demo):
    with pytest.raises(oauthlib.oauth2.InvalidGrantError, match="Incorrect username or password"):
        legacy().fetch_token(demo.url + "/token", username="alice", password="wrong")
    with pytest.raises(oauthlib.oauth2.InvalidScopeError):
        legacy(scope=["no:such"]).fetch_token(
            demo.url + "/token", username="alice", password=PASSWORDS["alice"], scope=["no:such"]
        )
    with pytest.raises(oauthlib.oauth2.InvalidGrantError):
        legacy().refresh_token(demo.url + "/token", refresh_token="unknown")


def test_oauthlib_warns_of_nothing_where_the_scope_was_granted(demo):
    scope = ["items:read"]
    token = legacy(scope=scope).fetch_token(
        demo.url + "/token", username="mona", password=PASSWORDS["mona"], scope=scope
    )
    assert token["scope"] == scope


def test_authlib_signs_in_refreshes_and_revokes(demo):
    session = AuthlibSession("", token_endpoint_auth_method="none")
    token = session.fetch_token(
        demo.url + "/token", grant_type="password", username="ada", password=PASSWORDS["ada"]
    )
    assert session.get(demo.url + "/admin").status_code == 200
    renewed = session.refresh_token(demo.url + "/token", refresh_token=token["refresh_token"])
    headers = bearer(renewed["access_token"])
    seen = session.get(demo.url + "/users/me", headers=headers)
    assert seen.json()["username"] == "ada"
    gone = session.revoke_token(demo.url + "/revoke", token=renewed["refresh_token"])
    assert gone.status_code == 200
    assert session.get(demo.url + "/admin").status_code == 401


def test_pyjwt_verifies_our_token_by_our_published_keys(demo):
    token = demo.tokens("alice", "/auth/jwt/login")["access_token"]
    keys = jwt.PyJWKClient(demo.url + "/.well-known/jwks.json")
    key = keys.get_signing_key_from_jwt(token)
    metadata = requests.get(demo.url + "/.well-known/oauth-authorization-server").json()
    unchecked = jwt.decode(token, options={"verify_signature": False})
    claims = jwt.decode(
        token,
        key.key,
        algorithms=["EdDSA"],
        issuer=metadata["issuer"],
        audience=unchecked["aud"],
        options={"require": ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"]},
    )
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert not {"roles", "username", "email", "name"} & set(claims)
    with pytest.raises(jwt.InvalidSignatureError):
        head, body, signature = token.split(".")
        jwt.decode(f"{head}.{body}.{'A' * len(signature)}", key.key, algorithms=["EdDSA"],
                   audience=unchecked["aud"])


def test_a_token_signed_by_pyjwt_is_refused_however_it_is_made(demo, client):
    token = demo.tokens("alice", "/auth/jwt/login")["access_token"]
    head = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    jwk = client.get("/.well-known/jwks.json").json()["keys"][0]
    forged = [
        jwt.encode(claims, None, algorithm="none", headers=head | {"alg": "none"}),
        jwt.encode(claims, jwk["x"] * 2, algorithm="HS256", headers=head | {"alg": "HS256"}),
        jwt.encode(claims, "x" * 64, algorithm="HS512", headers={"typ": "at+jwt", "jwk": jwk}),
    ]
    for one in forged:
        assert client.get("/protected", headers=bearer(one)).status_code == 401
