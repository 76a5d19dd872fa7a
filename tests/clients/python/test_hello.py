"""The tutorial's own routes: every sample user, by every way of signing in."""

import datetime
import zoneinfo

import httpx
import pytest

from portcullis_process import PASSWORDS, basic, bearer


def nine_to_five() -> bool:
    now = datetime.datetime.now(zoneinfo.ZoneInfo("Europe/Berlin"))
    return now.weekday() < 5 and 9 <= now.hour < 17


USERS = [name for name in PASSWORDS if name != "ghost"]
ROUTES = ["/protected", "/admin", "/user", "/read", "/write"]
MAY = {
    "ada": {"/admin", "/user", "/read", "/write"},
    "mona": {"/user", "/read", "/write"},
    "alice": {"/user", "/read"},
    "gus": set(),
    "rita": {"/read"},
    "will": {"/write"},
    "lois": {"/write"},
    "dora": {"/user", "/read", "/write"},
    "ïvan": {"/user", "/read"},
}


def may(name: str, route: str) -> bool:
    if name == "nick":
        return route == "/protected" or (route == "/write" and nine_to_five())
    return route == "/protected" or route in MAY[name]


def says(name: str, route: str) -> str:
    return {
        "/protected": f"Hello, {name}!",
        "/admin": f"Hello, {name}! You are an admin.",
        "/user": f"Hello, {name}! You are a user.",
        "/read": "You may read.",
        "/write": "You may write.",
    }[route]


def check(name: str, route: str, answer: httpx.Response):
    # Where the clock passed nine or five between the two looks, either is right.
    before = may(name, route)
    if answer.status_code == 200:
        assert before or may(name, route), (name, route)
        assert answer.json() == {"message": says(name, route)}
    else:
        assert answer.status_code == 403 and not before, (name, route, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["missing"]


@pytest.mark.parametrize("name", USERS)
def test_basic(client, name):
    for route in ROUTES:
        check(name, route, client.get(route, auth=basic(name)))


@pytest.mark.parametrize("login", ["/token", "/auth/jwt/login", "/auth/opaque/login"])
@pytest.mark.parametrize("name", USERS)
def test_bearer(client, demo, name, login):
    token = demo.tokens(name, login)["access_token"]
    for route in ROUTES:
        check(name, route, client.get(route, headers=bearer(token)))


@pytest.mark.parametrize("name", USERS)
def test_cookie(client, name):
    form = {"username": name, "password": PASSWORDS[name]}
    answer = client.post("/auth/cookie/login", data=form, headers={"Origin": str(client.base_url)})
    assert answer.status_code == 204, answer.text
    cookie = answer.headers["set-cookie"]
    for word in ["portcullis=", "HttpOnly", "Path=/", "SameSite="]:
        assert word in cookie
    assert "Domain" not in cookie
    for route in ROUTES:
        check(name, route, client.get(route))


def test_the_greeting_looks_at_no_credential(client):
    for headers in [{}, bearer("rubbish"), {"Authorization": "Basic !!"}, {"Cookie": "portcullis=x"}]:
        answer = client.get("/", headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"message": "Hello, world!"})


def test_the_inactive_user_is_refused_on_every_path(client):
    for route in ROUTES:
        assert client.get(route, auth=basic("ghost")).status_code == 401
    form = {"username": "ghost", "password": PASSWORDS["ghost"]}
    for path in ["/token", "/auth/jwt/login", "/auth/opaque/login"]:
        answer = client.post(path, data={"grant_type": "password"} | form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = client.post("/auth/cookie/login", data=form)
    assert 400 <= answer.status_code < 500 and "set-cookie" not in answer.headers


def test_unknown_wrong_and_inactive_are_answered_alike(client):
    def refused(name, password):
        form = {"grant_type": "password", "username": name, "password": password}
        answer = client.post("/token", data=form)
        own = {"date", "x-request-id"}
        headers = {name: value for name, value in answer.headers.items() if name not in own}
        return answer.status_code, answer.json(), headers

    wrong = refused("alice", "not-the-rabbit-hole")
    assert wrong[0] == 400
    assert wrong[1]["error"] == "invalid_grant"
    assert wrong[1]["error_description"] == "Incorrect username or password"
    assert refused("nobody-of-that-name", "not-the-rabbit-hole") == wrong
    assert refused("ghost", PASSWORDS["ghost"]) == wrong


def test_dora_may_not_delete_though_her_role_may(client):
    auth = basic("mona")
    made = client.post("/items", auth=auth, json={"name": "For dora", "price": 1})
    assert made.status_code == 201, made.text
    path = f"/items/{made.json()['id']}"
    assert client.delete(path, auth=basic("dora")).status_code == 403
    assert client.delete(path, auth=auth).status_code == 204
    assert client.get(path, auth=auth).status_code == 404
