"""Bytes that are hardly HTTP, on bare sockets."""

import socket
import threading
import time

import pytest

HOST = b"Host: localhost\r\n"


@pytest.fixture(autouse=True)
def still_answers(client):
    yield
    assert client.get("/health/ready").status_code == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n\r\n",
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 400,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
        b"get /protected HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET //protected// HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET  /  HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\nNo colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\x00c\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"GET /protected HTTP/1.1\r\n" + HOST + b"Authorization: \xff\xfe\r\n\r\n",
        b"GET /protected HTTP/1.1\r\n" + HOST + b"Authorization: Basic \xc3\xa9\r\n\r\n",
        b"GET /protected HTTP/1.1\r\n" + HOST + b"Cookie: portcullis=\xff; portcullis=\xfe\r\n\r\n",
        b"GET /protected HTTP/1.1\r\n" + HOST + b"Origin: \xff\r\n\r\n",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: 1e3\r\n\r\n",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nxx\r\n",
        b"POST /token HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip\r\n\r\nxx",
        b"GET " + b"/" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n" + HOST + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(5000)) + HOST + b"\r\n",
        b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
        b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"GET http://example.org/protected HTTP/1.1\r\nHost: example.org\r\n\r\n",
        b"GET /protected HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /protected HTTP/1.1\r\n\r\n",
    ],
)
def test_a_refusal_or_a_closed_door(demo, data):
    answer = demo.raw(data)
    if answer:
        assert answer.startswith(b"HTTP/1."), answer[:80]
        status = int(answer[9:12])
        assert 400 <= status < 500 or status == 501, answer[:300]


def test_smuggling_reaches_no_second_request(demo):
    both = (
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
    )
    answer = demo.raw(both)
    assert b'"status":"ok"' not in answer or answer.count(b"HTTP/1.1") == 2


def test_a_request_cut_off_at_any_byte(demo):
    body = b"grant_type=password&username=alice&password=down-the-rabbit-hole"
    whole = (
        b"POST /token HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body) + body
    )
    for end in range(0, len(whole), 7):
        assert b"access_token" not in demo.raw(whole[:end])
    assert b"access_token" in demo.raw(whole + b"\r\n")


def test_a_hundred_slow_callers_stop_nobody(client, demo):
    slow = [socket.create_connection(("127.0.0.1", demo.port)) for _ in range(100)]
    try:
        for wire in slow:
            wire.sendall(b"GET /protected HTTP/1.1\r\nX-Slow: ")
        begun = time.monotonic()
        assert client.get("/").status_code == 200
        assert time.monotonic() - begun < 5
    finally:
        for wire in slow:
            wire.close()


def test_a_flood_of_logins_stops_nobody(client, demo):
    form = {"grant_type": "password", "username": "alice", "password": "wrong-all-the-time"}
    seen = []

    def guess():
        import httpx

        seen.append(httpx.post(demo.url + "/token", data=form, timeout=60).status_code)

    guesses = [threading.Thread(target=guess) for _ in range(40)]
    for one in guesses:
        one.start()
    assert client.get("/").status_code == 200
    for one in guesses:
        one.join()
    assert set(seen) <= {400, 429, 503} and len(seen) == 40, seen
