"""nginx and Caddy as processes, with the configuration that the guide shows."""

import os
import pathlib
import re
import ssl
import subprocess
import time

import httpx
import pytest

from certificate import make_certificate
from portcullis_process import free_port

GUIDE = pathlib.Path(__file__).parents[4] / "docs/guide/11-proxies.md"
NAME = "auth.example.org"

NGINX = """
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
{user}
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {more}
    {server}
}}
"""

CADDY = """
{{
    admin off
    auto_https off
}}
{server}
"""


def shown(language: str) -> str:
    """The piece of configuration in the guide."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.S)
    return block


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, f"the guide no longer says {old!r}"
        text = text.replace(old, new)
    return text


class Proxy:
    """A proxy on a free port of loopback, and clients of it at addresses of their own."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.folder.mkdir()
        self.port = free_port()
        self.chain, self.key = make_certificate(folder)
        self.url = f"https://localhost:{self.port}"

    def run(self, *command: str) -> None:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        environment |= {"XDG_DATA_HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)}
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        until = time.monotonic() + 30
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with self.client() as client:
                    client.get("/health/live")
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        self.stop()
        pytest.fail("the proxy did not start:\n" + (self.folder / "log").read_text())

    def client(self, address: str = "127.0.0.1", **more) -> httpx.Client:
        """Somebody who asks from this address."""
        trusted = ssl.create_default_context(cafile=str(self.chain))
        transport = httpx.HTTPTransport(verify=trusted, local_address=address)
        return httpx.Client(base_url=self.url, transport=transport, timeout=20, **more)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)
        self.log.close()


class Nginx(Proxy):
    """`server` is its block; `more` stands before it."""

    def start(self, server: str, more: str = "") -> None:
        user = "user root;" if os.geteuid() == 0 else ""
        file = self.folder / "nginx.conf"
        file.write_text(NGINX.format(folder=self.folder, user=user, server=server, more=more))
        self.run("nginx", "-c", str(file), "-e", str(self.folder / "error.log"))

    def server(self, backend: int) -> str:
        """The guide's block, for this port and certificate."""
        return replaced(
            shown("nginx"),
            ("listen 443 ssl;", f"listen 127.0.0.1:{self.port} ssl;"),
            (f"server_name {NAME};", "server_name localhost;"),
            (f"/etc/ssl/{NAME}/fullchain.pem", str(self.chain)),
            (f"/etc/ssl/{NAME}/privkey.pem", str(self.key)),
            ("127.0.0.1:8000", f"127.0.0.1:{backend}"),
        )


class Caddy(Proxy):
    def start(self, server: str) -> None:
        file = self.folder / "Caddyfile"
        file.write_text(CADDY.format(server=server))
        self.run("caddy", "run", "--adapter", "caddyfile", "--config", str(file))

    def server(self, backend: int) -> str:
        """The guide's block, for this port and certificate."""
        return replaced(
            shown("caddy"),
            (f"{NAME} {{", f"{self.url} {{\n    bind 127.0.0.1\n    tls {self.chain} {self.key}"),
            ("127.0.0.1:8000", f"127.0.0.1:{backend}"),
        )
