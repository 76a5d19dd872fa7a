"""Killed, stopped, started again: nothing that was answered is lost."""

import random
import shutil
import socket
import threading
import time

import httpx
import pytest

from portcullis_process import POSTGRES, Portcullis, basic, bearer

ADA, MONA = basic("ada"), basic("mona")


def test_a_kill_during_writes_loses_nothing_that_was_answered(own):
    server = own()
    answered: list[dict] = []
    users: list[str] = []

    def write(client_number: int):
        token = bearer(server.tokens("mona")["access_token"])
        with httpx.Client(base_url=server.url, timeout=20) as client:
            for number in range(10_000):
                body = {"name": f"item {client_number} {number}", "price": number}
                try:
                    answer = client.post("/items", headers=token, json=body)
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                answered.append(answer.json())

    def register():
        with httpx.Client(base_url=server.url, timeout=20) as client:
            for number in range(10_000):
                body = {"username": f"late-{number}", "password": f"a-long-password-{number}"}
                try:
                    answer = client.post("/auth/register", json=body)
                except httpx.TransportError:
                    return
                assert answer.status_code == 201, answer.text
                users.append(body["username"])

    for round_number in range(2):
        before = len(answered)
        writers = [threading.Thread(target=write, args=(round_number * 2 + n,)) for n in range(2)]
        if round_number == 0:
            writers.append(threading.Thread(target=register))
        for writer in writers:
            writer.start()
        deadline = time.monotonic() + 60
        while len(answered) < before + 50 and time.monotonic() < deadline:
            time.sleep(0.01)
        server.kill()
        for writer in writers:
            writer.join()
        assert len(answered) >= before + 50
        server.start()
    with httpx.Client(base_url=server.url, timeout=20, auth=MONA) as client:
        # On a server the users are kept there; the demo's items are in memory.
        for item in [] if POSTGRES else answered:
            assert client.get(f"/items/{item['id']}").json() == item
    kept, cursor = set(), None
    while True:
        query = {"limit": 100} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(server.url + "/users", auth=ADA, params=query, timeout=20).json()
        kept |= {user["username"] for user in page["items"]}
        if not (cursor := page.get("next")):
            break
    assert users and set(users) <= kept


def goes_on(server: Portcullis, parent: str) -> dict:
    """The retry after a crash: the user is still signed in, with one lineage and one session."""
    first = server.refresh(parent)
    assert first.status_code == 200, first.text
    assert server.refresh(parent).json()["refresh_token"] == first.json()["refresh_token"]
    headers = bearer(first.json()["access_token"])
    sessions = httpx.get(server.url + "/users/me/sessions", headers=headers, timeout=20).json()
    assert len(sessions["items"]) == 1
    return first.json()


def test_a_kill_at_any_moment_of_a_refresh_signs_nobody_out(own):
    server = own()
    current = server.tokens("alice")["refresh_token"]
    # Once undisturbed, to know how long it takes.
    begun = time.monotonic()
    current = server.refresh(current).json()["refresh_token"]
    whole = time.monotonic() - begun
    for _ in range(12):
        asked = b"grant_type=refresh_token&refresh_token=" + current.encode()
        head = (
            b"POST /token HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", server.port)) as wire:
            wire.sendall(head % len(asked) + asked)
            time.sleep(random.uniform(0, whole))
            server.kill()
        server.start()
        current = goes_on(server, current)["refresh_token"]


@pytest.mark.skipif(bool(POSTGRES), reason="what a file of SQLite leaves behind")
def test_a_kill_between_any_two_writes_of_a_refresh_signs_nobody_out(own):
    """What a kill leaves behind is what was written until then: a part of the journal. Every part
    that ends between two pages, and in the midst of each, is tried."""
    server = own()
    assert server.stop() == 0
    server.start()
    parent = server.tokens("alice")["refresh_token"]
    journal = server.folder / "portcullis-demo.db-wal"
    before = journal.stat().st_size
    answered = server.refresh(parent).json()["refresh_token"]
    server.kill()
    page = 24 + 4096
    size = journal.stat().st_size
    assert size > before and (size - 32) % page == 0
    left = server.folder.parent / "left"
    shutil.copytree(server.folder, left)
    parts = {end for at in range(before, size + 1, page) for end in (at, at + page // 2)}
    assert len(parts) > 4
    for part in sorted(parts):
        for file in server.folder.glob("portcullis-demo.db*"):
            file.unlink()
        for file in left.glob("portcullis-demo.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, server.folder)
        with open(journal, "r+b") as cut:
            cut.truncate(min(part, size))
        server.start()
        # Also where the answer arrived and the disk forgot it.
        assert goes_on(server, parent)["refresh_token"] == answered, part
        server.kill()


def test_fifty_refreshes_at_once_leave_one_lineage(own):
    server = own()
    parent = server.tokens("alice")["refresh_token"]
    answers: list[httpx.Response] = []
    callers = [
        threading.Thread(target=lambda: answers.append(server.refresh(parent))) for _ in range(50)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


def test_what_was_ended_stays_ended_after_a_kill(own):
    server = own()
    jwt = server.tokens("alice", "/auth/jwt/login")
    opaque = server.tokens("alice", "/auth/opaque/login")
    kept = server.tokens("alice", "/auth/jwt/login")
    for tokens, kind in [(jwt, "jwt"), (opaque, "opaque")]:
        path = f"{server.url}/auth/{kind}/logout"
        assert httpx.post(path, headers=bearer(tokens["access_token"])).status_code == 204
    server.kill()
    server.start()
    for tokens, status in [(jwt, 401), (opaque, 401), (kept, 200)]:
        headers = bearer(tokens["access_token"])
        assert httpx.get(server.url + "/protected", headers=headers).status_code == status


def test_a_request_under_way_is_answered_at_the_end(own):
    server = own()
    body = b"grant_type=password&username=alice&password=down-the-rabbit-hole"
    head = (
        b"POST /token HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n" % len(body)
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as wire:
        wire.sendall(head + body[:10])
        time.sleep(0.3)
        server.process.terminate()
        time.sleep(0.3)
        wire.sendall(body[10:])
        answer = b""
        while part := wire.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200") and b"access_token" in answer
    assert server.process.wait(timeout=20) == 0


def test_start_is_measured(own):
    """What a debug build takes says little; it is printed for whoever wants to compare."""
    server = own("serve")
    assert server.stop() == 0
    seconds = server.start()
    status = (f"/proc/{server.process.pid}/status").encode()
    resident = next(line for line in open(status) if line.startswith("VmRSS"))
    print(f"\nfirst answer after {seconds * 1000:.0f} ms; {' '.join(resident.split())}")
