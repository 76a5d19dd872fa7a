"""What no honest client sends: a clear 4xx each time, never a 500, and the server answers after."""

import json

import pytest

from portcullis_process import PASSWORDS, basic

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ADA, MONA = basic("ada"), basic("mona")

BODIES = {
    "empty": b"",
    "not json": b"{",
    "two values": b'{"name": "x", "price": 1} {}',
    "NaN": b'{"name": "x", "price": NaN}',
    "infinity": b'{"name": "x", "price": Infinity}',
    "past any float": b'{"name": "x", "price": 1e999}',
    "a lone high surrogate": b'{"name": "\\ud800", "price": 1}',
    "a lone low surrogate": b'{"name": "\\udc00", "price": 1}',
    "broken UTF-8": b'{"name": "\xff\xfe", "price": 1}',
    "an overlong byte": b'{"name": "\xc0\xaf", "price": 1}',
    "a surrogate in UTF-8": b'{"name": "\xed\xa0\x80", "price": 1}',
    "UTF-16": '{"name": "x", "price": 1}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"name": "x", "price": 1}',
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep in a field": b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b', "price": 1}',
    "null": b"null",
    "a string": b'"x"',
    "an array": b'["x", 1]',
    "a repeated member": b'{"name": "x", "name": "y", "price": 1}',
    "an unknown member": b'{"name": "x", "price": 1, "is_admin": true}',
    "a number for a string": b'{"name": 1, "price": 1}',
    "a string for a number": b'{"name": "x", "price": "1"}',
    "a bare word": b"{name: 1}",
    "a control character": b'{"name": "a\x00b", "price": 1}',
    "a trailing comma": b'{"name": "x", "price": 1,}',
    "a thousand digits": b'{"name": "x", "price": -' + b"9" * 1000 + b"}",
}


@pytest.fixture(autouse=True)
def still_answers(client):
    yield
    assert client.get("/health/ready").status_code == 200


def refused(answer, *statuses):
    expected = statuses or (400, 413, 415, 422)
    assert answer.status_code in expected, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_json_that_is_none(client, body):
    before = client.get("/items", auth=MONA).json()
    refused(client.post("/items", auth=MONA, content=body, headers=JSON))
    assert client.get("/items", auth=MONA).json() == before
    refused(client.post("/users", auth=ADA, content=body, headers=JSON))
    refused(client.post("/auth/register", content=body, headers=JSON))
    refused(client.patch("/users/me", auth=ADA, content=body, headers=JSON), 400, 422)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"grant_type=%FF%FE&username=%ff&password=%ff",
        b"grant_type=password&username=alice&password=%00",
        b"grant_type=password&username=%00alice&password=x",
        b"grant_type=password&username=alice&password=" + b"x" * 500_000,
        b"grant_type=password&username=" + b"x" * 500_000 + b"&password=x",
        b"grant_type=password&" + b"a=b&" * 50_000,
        b"grant_type=password&grant_type=refresh_token",
        b"grant_type=password&username=a&username=b&password=x",
        b"grant_type=refresh_token&refresh_token=" + b"y" * 500_000,
        b"grant_type=refresh_token&refresh_token=%ed%a0%80",
        b"&&&=&==&%",
        b"grant_type=%zz",
    ],
)
def test_forms_that_are_none(client, body):
    for path in ["/token", "/auth/jwt/login", "/auth/opaque/login", "/revoke"]:
        answer = client.post(path, content=body, headers=FORM)
        # A form without a `token` that means anything may be answered 200 by /revoke (RFC 7009).
        assert 400 <= answer.status_code < 500, (path, answer.status_code, answer.text[:300])
        assert "access_token" not in answer.text
        assert answer.json()
    refused(client.post("/auth/cookie/login", content=body, headers=FORM), 400, 401, 413, 422)


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/xml", "multipart/form-data; boundary=x", "json", "", "a/b/c",
     "application/json; charset=utf-16", "application/jsonp", "*/*"],
)
def test_wrong_media_types(client, kind):
    body = json.dumps({"name": "x", "price": 1})
    refused(client.post("/items", auth=MONA, content=body, headers={"Content-Type": kind}), 400, 415)
    form = f"grant_type=password&username=alice&password={PASSWORDS['alice']}"
    answer = client.post("/token", content=form, headers={"Content-Type": kind})
    assert answer.status_code in (400, 415) and "access_token" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/items/" + "9" * 5000,
        "/items/00000000-0000-0000-0000-00000000000g",
        "/users/-1",
        "/users/%00",
        "/users/%FF%FE",
        "/users/%ED%A0%80",
        "/users/..%2f..%2fetc%2fpasswd",
        "/users/me%20",
        "/roles/%00",
        "/roles/" + "x" * 4000,
        "/docs/..%2f..%2fCargo.toml",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/%",
        "/%zz",
        "/protected/",
        "/PROTECTED",
        "/" + "a" * 20_000,
    ],
)
def test_odd_paths(client, path):
    answer = client.get(path, auth=ADA)
    assert answer.status_code in (400, 404, 414, 422), (answer.status_code, answer.text[:300])
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    ["limit=-1", "limit=0", "limit=x", "limit=99999999999999999999", "limit=1&limit=2",
     "cursor=%FF", "cursor=" + "x" * 3000, "cursor=%27", "limit=1e3", "limit=NaN", "cursor=a&cursor=b"],
)
def test_odd_queries(client, query):
    refused(client.get("/users?" + query, auth=ADA), 400, 422)


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "BREW", "X" * 200])
def test_odd_methods(client, method):
    answer = client.request(method, "/protected", auth=ADA)
    assert answer.status_code in (400, 405, 501), answer.text
    assert method not in answer.headers.get("allow", "")


def test_oversized_headers_and_tokens(client):
    answer = client.get("/protected", headers={"X-Long": "x" * 40_000})
    assert answer.status_code == 431
    for size in [5_000, 30_000]:
        for header in [{"Authorization": "Bearer " + "a" * size}, {"X-API-Key": "k" * size}]:
            assert client.get("/protected", headers=header).status_code in (400, 401)
    many = [(f"X-{number}", "x") for number in range(300)]
    assert client.get("/", headers=many).status_code in (200, 431)


def test_names_and_passwords_at_their_bounds(client):
    def made(username, password="a-long-enough-password"):
        return client.post("/auth/register", json={"username": username, "password": password})

    for name in ["", " ", "a:b", "a\nb", "a\u0000b", "x" * 10_000, "\u202eada", "ada", "ADA"]:
        answer = made(name)
        assert 400 <= answer.status_code < 500, (name, answer.text[:200])
    for password in ["", "short", "password1234567", "x" * 100_000]:
        refused(made("someone-new", password), 422, 413)
    long = "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich, 12 Stück"
    answer = made("someone-new", long)
    assert answer.status_code == 201, answer.text
