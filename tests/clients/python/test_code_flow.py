"""The authorization code flow and client credentials, by Authlib and requests-oauthlib."""

import re
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import oauthlib.oauth2
import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from portcullis_process import PASSWORDS

REDIRECT = "http://127.0.0.1:9777/cb"
WEB = "web-secret-of-the-demo-00000001"
SERVICE = "service-secret-of-the-demo-0001"


@pytest.fixture(autouse=True)
def over_plain_loopback(monkeypatch):
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def browse(base: str, address: str, user: str = "alice") -> str:
    """What a browser does: follows, keeps the cookie, signs in, allows. Ends at the client's address."""
    with httpx.Client(base_url=base, timeout=20) as browser:
        answer = browser.get(address)
        for _ in range(10):
            if answer.is_redirect:
                target = urljoin(base, answer.headers["location"])
                if target.startswith(REDIRECT):
                    return target
                answer = browser.get(target)
                continue
            assert answer.status_code == 200, answer.text
            form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
            if 'action="/consent"' in answer.text:
                answer = browser.post("/consent", data=form | {"decision": "allow"}, headers={"Origin": base})
            else:
                form |= {"username": user, "password": PASSWORDS[user]}
                answer = browser.post("/login", data=form, headers={"Origin": base})
    raise AssertionError("it leads nowhere")


def test_authlib_signs_a_person_in(demo):
    server = httpx.get(demo.url + "/.well-known/openid-configuration").json()
    session = AuthlibSession(
        "demo-web", WEB, redirect_uri=REDIRECT, scope="openid profile items:read",
        code_challenge_method="S256", token_endpoint_auth_method="client_secret_basic",
    )
    verifier = "a" * 64
    address, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier)
    back = browse(demo.url, address)
    token = session.fetch_token(
        server["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
    )
    assert token["id_token"] and "items:read" in token["scope"]
    assert session.get(server["userinfo_endpoint"]).json()["preferred_username"] == "alice"
    assert session.get(demo.url + "/items").status_code == 200
    renewed = session.refresh_token(server["token_endpoint"])
    assert renewed["refresh_token"] != token["refresh_token"]


def test_requests_oauthlib_signs_a_person_in(demo):
    session = OAuth2Session("demo-spa", redirect_uri=REDIRECT, scope=["openid", "items:read"], pkce="S256")
    address, state = session.authorization_url(demo.url + "/authorize")
    back = browse(demo.url, address)
    assert parse_qs(urlsplit(back).query)["iss"] == [demo.url]
    token = session.fetch_token(
        demo.url + "/token", authorization_response=back, include_client_id=True
    )
    assert token["id_token"]
    assert session.get(demo.url + "/items").status_code == 200
    with pytest.raises(oauthlib.oauth2.InvalidGrantError):
        session.fetch_token(demo.url + "/token", authorization_response=back, include_client_id=True)


def test_both_get_a_token_for_a_client_itself(demo):
    authlib = AuthlibSession("demo-service", SERVICE, token_endpoint_auth_method="client_secret_post")
    assert authlib.fetch_token(demo.url + "/token", grant_type="client_credentials")["access_token"]
    assert authlib.get(demo.url + "/read").json() == {"message": "You may read."}
    client = oauthlib.oauth2.BackendApplicationClient(client_id="demo-service")
    session = OAuth2Session(client=client)
    session.fetch_token(demo.url + "/token", auth=HTTPBasicAuth("demo-service", SERVICE))
    assert session.get(demo.url + "/read").status_code == 200
    with pytest.raises(oauthlib.oauth2.InvalidClientError):
        OAuth2Session(client=client).fetch_token(
            demo.url + "/token", auth=HTTPBasicAuth("demo-service", SERVICE + "x")
        )


def test_requests_oauthlib_names_a_client_of_ours_with_the_password_grant(demo):
    client = oauthlib.oauth2.LegacyApplicationClient(client_id="demo-spa")
    session = OAuth2Session(client=client)
    token = session.fetch_token(demo.url + "/token", username="alice", password=PASSWORDS["alice"])
    assert session.get(demo.url + "/protected").json() == {"message": "Hello, alice!"}
    assert session.refresh_token(demo.url + "/token", refresh_token=token["refresh_token"], client_id="demo-spa")
