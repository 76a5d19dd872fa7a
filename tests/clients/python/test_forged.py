"""Requests that no browser would send so, against the rules on other sites: nothing gets round them."""

import httpx
import pytest

from portcullis_process import PASSWORDS, basic

GOOD = "https://app.example.com"
EVIL = "https://evil.example"


@pytest.fixture()
def session(demo):
    """Mona's cookie; at the end it must still count."""
    form = {"username": "mona", "password": PASSWORDS["mona"]}
    answer = httpx.post(demo.url + "/auth/cookie/login", data=form, headers={"Origin": demo.url})
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"].split(";")[0]
    yield cookie
    assert httpx.get(demo.url + "/protected", headers={"Cookie": cookie}).status_code == 200


def ask(demo, line: str, *headers: str, body: bytes = b"", host: bool = True) -> tuple[int, bytes]:
    lines = [line, *([f"Host: 127.0.0.1:{demo.port}"] if host else []), *headers]
    lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
    answer = demo.raw("\r\n".join(lines).encode("latin-1") + body)
    head, _, _ = answer.partition(b"\r\n\r\n")
    return int(head[9:12]), head.lower()


FORGED = {
    "another origin": [f"Origin: {EVIL}"],
    "null": ["Origin: null"],
    "the browser says so": ["Sec-Fetch-Site: cross-site"],
    "same site is not same origin": ["Sec-Fetch-Site: same-site"],
    "the browser says so, and a good origin too": ["Sec-Fetch-Site: cross-site", "Origin: {own}"],
    "two origins, ours first": ["Origin: {own}", f"Origin: {EVIL}"],
    "two origins, ours last": [f"Origin: {EVIL}", "Origin: {own}"],
    "two origins in a line": [f"Origin: {{own}}, {EVIL}"],
    "two sites": ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
    "a site in capitals": ["Sec-Fetch-Site: SAME-ORIGIN"],
    "a site in a list": ["Sec-Fetch-Site: cross-site, same-origin"],
    "an empty site": ["Sec-Fetch-Site:", f"Origin: {EVIL}"],
    "an empty origin": ["Origin:"],
    "an origin with a path": ["Origin: {own}/"],
    "an origin with a user": ["Origin: http://evil@127.0.0.1:{port}"],
    "an origin with a dot": ["Origin: http://127.0.0.1.:{port}"],
    "a longer port": ["Origin: {own}0"],
    "no scheme": ["Origin: 127.0.0.1:{port}"],
    "no http": ["Origin: file://127.0.0.1:{port}"],
    "a referer does not help": [f"Origin: {EVIL}", "Referer: {own}/docs"],
    "a forwarded host does not help": [
        f"Origin: {EVIL}", "X-Forwarded-Host: evil.example", "Forwarded: host=evil.example",
    ],
    "not ASCII": ["Origin: http://127.0.0.1:{port}\xff"],
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED.keys())
@pytest.mark.parametrize(
    "line",
    [
        "POST /auth/cookie/logout HTTP/1.1",
        "DELETE /users/me/sessions HTTP/1.1",
        "POST /items HTTP/1.1",
        "POST /auth/cookie/login HTTP/1.1",
    ],
)
def test_a_cookie_does_not_count(demo, session, line, headers):
    headers = [one.format(own=demo.url, port=demo.port) for one in headers]
    form = "Content-Type: application/x-www-form-urlencoded"
    body = f"username=alice&password={PASSWORDS['alice']}".encode()
    status, head = ask(demo, line, f"Cookie: {session}", form, *headers, body=body)
    assert status == 403, head
    assert b"set-cookie" not in head


@pytest.mark.parametrize(
    "target, headers, host",
    [
        # The target's own authority counts before `Host` (RFC 9112 §3.2.2): not the client's choice of two.
        ("http://127.0.0.1:{port}/auth/cookie/logout", ["Host: evil.example"], False),
        ("/auth/cookie/logout", ["Host: evil.example"], True),
        ("/auth/cookie/logout", ["Host: evil.example", "Host: evil.example"], False),
        ("/auth/cookie/logout", [], False),
    ],
)
def test_the_host_is_not_the_clients_to_choose(demo, session, target, headers, host):
    target = target.format(port=demo.port)
    for version in ["1.1", "1.0"]:
        line = f"POST {target} HTTP/{version}"
        cookie = f"Cookie: {session}"
        status, _ = ask(demo, line, cookie, f"Origin: {EVIL}", *headers, host=host)
        assert status in (400, 403)


@pytest.mark.parametrize(
    "override",
    [
        "X-HTTP-Method-Override: DELETE",
        "X-HTTP-Method: DELETE",
        "X-Method-Override: DELETE",
        "X-Original-Method: DELETE",
    ],
)
def test_the_method_is_the_lines(demo, session, override):
    cookie = f"Cookie: {session}"
    for path in ["/users/me/sessions", "/users/me/sessions?_method=DELETE"]:
        status, _ = ask(demo, f"GET {path} HTTP/1.1", cookie, override, "Sec-Fetch-Site: cross-site")
        assert status == 200
    rewritten = "X-Original-URL: /users/me/sessions"
    status, _ = ask(demo, "GET / HTTP/1.1", cookie, override, rewritten, "X-Rewrite-URL: /admin")
    assert status == 200
    for method in ["delete", "Post", "GET\t", "DELETE /x"]:
        line = f"{method} /users/me/sessions HTTP/1.1"
        status, _ = ask(demo, line, cookie, "Sec-Fetch-Site: same-origin")
        assert status in (400, 404, 405, 403)


@pytest.mark.parametrize(
    "types",
    [
        [],
        ["text/plain"],
        ["text/plain;application/json"],
        ["text/plain, application/json"],
        ["application/json, text/plain"],
        ["application/x-www-form-urlencoded; charset=application/json"],
        ["multipart/form-data; boundary=application/json"],
        ["text/plain", "application/json"],
        ["application/json", "text/plain"],
        ["application/json-seq"],
        ["application/jsonp"],
    ],
)
def test_json_is_read_as_json_only(demo, session, types):
    # A page sends some of these without asking first; none may pass for JSON.
    body = b'{"name":"forged","price":1}'
    lines = [f"Content-Type: {one}" for one in types]
    own = [f"Cookie: {session}", "Sec-Fetch-Site: same-origin"]
    status, head = ask(demo, "POST /items HTTP/1.1", *own, *lines, body=body)
    assert status in (400, 415), head


@pytest.mark.parametrize(
    "origins",
    [
        [EVIL],
        ["null"],
        [""],
        ["*"],
        [GOOD, GOOD],
        [GOOD, EVIL],
        [EVIL, GOOD],
        [f"{GOOD}, {EVIL}"],
        [f"{GOOD},{GOOD}"],
        [f"{GOOD}/"],
        [f"{GOOD}."],
        [f"{GOOD}:443"],
        [f"{GOOD}:80"],
        [f"{GOOD}.evil.example"],
        [f"{GOOD}@evil.example"],
        [f"{GOOD}%00.evil.example"],
        [f"{GOOD}\xff"],
        [f"{GOOD}#"],
        ["https://evil@app.example.com"],
        ["https://evilapp.example.com"],
        ["https://x.app.example.com"],
        ["https://example.com"],
        ["https://APP.example.com"],
        ["HTTPS://app.example.com"],
        ["http://app.example.com"],
        ["https://app.example.co"],
        ["https://app-example.com"],
        ["https://xn--pp-7ka.example.com"],
    ],
)
def test_no_look_alike_is_granted_anything(demo, origins):
    lines = [f"Origin: {one}" for one in origins]
    asked = ["Access-Control-Request-Method: PUT", "Access-Control-Request-Private-Network: true"]
    for line, more in [
        ("GET / HTTP/1.1", []),
        ("GET /nowhere HTTP/1.1", []),
        ("GET /protected HTTP/1.1", ["Authorization: Bearer x"]),
        ("OPTIONS /items HTTP/1.1", asked),
        ("OPTIONS /token HTTP/1.1", asked),
        ("GET https://app.example.com/ HTTP/1.1", []),
    ]:
        _, head = ask(demo, line, *lines, *more)
        assert b"access-control-allow" not in head, head
        assert b"\r\nvary: origin" in head, "and a cache is told"


def test_the_allowed_origin_is_granted_what_is_said(demo):
    _, head = ask(demo, "GET / HTTP/1.1", f"Origin: {GOOD}")
    assert f"access-control-allow-origin: {GOOD}".encode() in head
    assert b"access-control-allow-credentials: true" in head
    asked = [f"Origin: {GOOD}", "Access-Control-Request-Method: PUT"]
    status, head = ask(demo, "OPTIONS /items HTTP/1.1", *asked)
    assert status == 204 and b"access-control-allow-methods" in head
    # At the token endpoint no cookie counts, and none is let through to it.
    _, head = ask(demo, "OPTIONS /token HTTP/1.1", *asked)
    assert b"access-control-allow-origin" in head and b"credentials" not in head


def test_two_cookies_of_the_name_are_refused(demo, session, client):
    pairs = ["portcullis=x", "portcullis=", session]
    for cookies in [f"{session}; {pair}" for pair in pairs] + [f"{pair}; {session}" for pair in pairs]:
        assert client.get("/protected", headers={"Cookie": cookies}).status_code == 400
    for cookies in ["Portcullis=x", "portcullis =x", "xportcullis=x", "=portcullis"]:
        both = {"Cookie": f"{cookies}; {session}"}
        assert client.get("/protected", headers=both).status_code == 200, cookies
    both = {"Cookie": session}
    assert client.get("/protected", headers=both, auth=basic("mona")).status_code == 400
