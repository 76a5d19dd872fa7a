"""The demo, started as a stranger would start it, for all tests of the run."""

import os
import pathlib
import socket
import subprocess
import time

import httpx
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Demo:
    """`portcullis demo` in an empty folder, on a free port of loopback."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        self.log = open(self.folder / "demo.log", "ab")
        self.process = subprocess.Popen(
            [os.environ["BINARY_UNDER_TEST"], "demo", "--listen", f"127.0.0.1:{self.port}"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"]},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        self.kill()
        pytest.fail("the demo did not start:\n" + self.said())

    def said(self) -> str:
        return (self.folder / "demo.log").read_text()

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


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    running = Demo(tmp_path_factory.mktemp("demo"))
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture()
def client(demo):
    with httpx.Client(base_url=demo.url, timeout=10) as client:
        yield client
