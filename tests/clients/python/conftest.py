"""The demo, for all tests of the run, and servers of a test's own."""

import httpx
import pytest

from portcullis_process import Portcullis


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    running = Portcullis(
        tmp_path_factory.mktemp("demo"),
        PORTCULLIS_CORS_ORIGINS="https://app.example.com",
        PORTCULLIS_CORS_CREDENTIALS="true",
        PORTCULLIS_SERVER_LOG="debug",
    )
    running.start()
    yield running
    assert running.stop() == 0
    assert "panicked" not in running.said()
    assert not running.secrets_said()


@pytest.fixture()
def client(demo):
    with httpx.Client(base_url=demo.url, timeout=20) as client:
        yield client


@pytest.fixture()
def own(tmp_path):
    """Starts servers that a test may kill, and ends those that it left."""
    started = []

    def start(command: str = "demo", **settings: str) -> Portcullis:
        server = Portcullis(tmp_path, command, **settings)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()
        assert not server.secrets_said()
