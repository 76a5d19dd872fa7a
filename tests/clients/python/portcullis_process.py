"""`portcullis` as a process: started as a stranger would start it, stopped, killed, listened to."""

import os
import pathlib
import re
import secrets
import socket
import ssl
import subprocess
import time

import httpx
import pytest

# Tests guess wrong on purpose, all from one address.
PATIENT = {
    "PORTCULLIS_THROTTLE_ACCOUNT_ATTEMPTS": "100000",
    "PORTCULLIS_THROTTLE_ADDRESS_ATTEMPTS": "100000",
}

PASSWORDS = {
    "ada": "analytical:engine:1843",
    "mona": "moderate-every-thread",
    "alice": "down-the-rabbit-hole",
    "gus": "just-looking-around-1",
    "rita": "reads-all-the-books-2",
    "will": "writes-all-the-books",
    "nick": "nine-to-five-weekdays",
    "lois": "from-this-host-only-3",
    "dora": "never-may-delete-any",
    "ghost": "long-gone-and-inactive",
    "ïvan": "пароль-из-символов",
}


# The server that the tests run on; without it each database is a file.
POSTGRES = os.environ.get("PORTCULLIS_TEST_POSTGRES_URL")


def basic(name: str) -> httpx.BasicAuth:
    return httpx.BasicAuth(name, PASSWORDS[name].encode())


def bearer(token: str) -> dict:
    return {"Authorization": f"Bearer {token}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Portcullis:
    """`portcullis demo` or `portcullis serve` in a folder of its own, on a free port of loopback."""

    def __init__(self, folder: pathlib.Path, command: str = "demo", **settings: str):
        self.folder = folder
        self.command = command
        self.settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None
        # Whom to trust, where it speaks TLS.
        self.verify: ssl.SSLContext | bool = True

    def start(self) -> float:
        """Starts it, and says how many seconds went by until its first answer."""
        self.log = open(self.folder / "log", "ab")
        begun = time.monotonic()
        flags, variables = self.database()
        self.process = subprocess.Popen(
            [os.environ["BINARY_UNDER_TEST"], self.command, "--listen", f"127.0.0.1:{self.port}"] + flags,
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]} | PATIENT | variables | self.settings,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        with httpx.Client(base_url=self.url, timeout=5, verify=self.verify) as client:
            while time.monotonic() < begun + 120 and self.process.poll() is None:
                try:
                    if client.get("/health/ready").status_code == 200:
                        return time.monotonic() - begun
                except httpx.TransportError:
                    time.sleep(0.005)
        self.kill()
        pytest.fail("it did not start:\n" + self.said())

    def database(self) -> tuple[list[str], dict]:
        """A schema for each folder, where the tests run on PostgreSQL."""
        if not POSTGRES:
            return [], {}
        name = self.folder / "schema"
        if not name.exists():
            name.write_text(f"test_{secrets.token_hex(8)}")
        url = f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options[search_path]={name.read_text()}"
        return ["--database", url], {"PORTCULLIS_TOKENS_MASTER_SECRET": "hVq0-8Zc0vX2nB5mK8pL1sD4fG6hJ9wE3"}

    def said(self) -> str:
        return (self.folder / "log").read_text()

    def secrets_said(self) -> list[str]:
        """What a log must not hold: tokens, keys, JWTs, and passwords but in the demo's greeting."""
        lines = self.said().splitlines()
        logged = [line for line in lines if re.match(r"\S*\d{4}-\d\d-\d\dT", line)]
        token = r"pc_[a-z]+_[0-9A-Za-z]{20}|eyJ[\w-]{10,}\.[\w-]*\.[\w-]"
        found = [line for line in lines if re.search(token, line)]
        return found + [line for line in logged for word in PASSWORDS.values() if word in line]

    def stop(self) -> int:
        """Asks it to end, and says its exit code."""
        self.process.terminate()
        code = self.process.wait(timeout=30)
        self.log.close()
        return code

    def kill(self) -> None:
        """Ends it with no chance to tidy up."""
        self.process.kill()
        self.process.wait()
        self.log.close()

    def tokens(self, name: str, path: str = "/token", **more: str) -> dict:
        """Signs a sample user in."""
        form = {"grant_type": "password", "username": name, "password": PASSWORDS[name]} | more
        answer = httpx.post(self.url + path, data=form, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refresh(self, token: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        return httpx.post(self.url + "/token", data=form, timeout=20)

    def raw(self, data: bytes, wait: float = 5) -> bytes:
        """Sends bytes on a new connection, and gives what comes back until it closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=wait) as wire:
            answer = b""
            try:
                wire.sendall(data)
                wire.shutdown(socket.SHUT_WR)
                while part := wire.recv(65536):
                    answer += part
            except (TimeoutError, ConnectionResetError, BrokenPipeError):
                pass
            return answer
