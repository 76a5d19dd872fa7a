"""TLS in the process itself: the cookie over it, a certificate renewed, and no way around it."""

import os
import socket
import ssl
import subprocess
import time
import warnings

import httpx
import pytest

from certificate import make_certificate
from portcullis_process import PASSWORDS, Portcullis, basic, free_port


def trusting(chain) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(chain))


@pytest.fixture()
def secure(tmp_path):
    chain, key = make_certificate(tmp_path)
    server = Portcullis(
        tmp_path,
        PORTCULLIS_SERVER_TLS_CERT_FILE=str(chain),
        PORTCULLIS_SERVER_TLS_KEY_FILE=str(key),
    )
    server.url = f"https://localhost:{server.port}"
    server.settings["PORTCULLIS_SERVER_PUBLIC_URL"] = server.url
    server.verify = trusting(chain)
    server.start()
    yield server
    assert server.stop() == 0
    assert "panicked" not in server.said()


def test_the_cookie_over_tls(secure):
    form = {"username": "mona", "password": PASSWORDS["mona"]}
    own = {"Origin": secure.url}
    with httpx.Client(base_url=secure.url, verify=secure.verify, timeout=20) as client:
        answer = client.post("/auth/cookie/login", data=form, headers=own)
        assert answer.status_code == 204
        value, *attributes = answer.headers["set-cookie"].split("; ")
        assert value.startswith("__Host-portcullis=") and len(value) < 4096
        age = [one for one in attributes if one.startswith("Max-Age=")]
        assert sorted(attributes) == sorted(["Path=/", "HttpOnly", "SameSite=Lax", "Secure", *age])
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        assert client.get("/protected").status_code == 200
        # A name without the prefix is another cookie.
        bare = {"Cookie": "portcullis=" + value.split("=", 1)[1]}
        assert httpx.get(secure.url + "/protected", verify=secure.verify, headers=bare).status_code == 401
        twin = {"Origin": secure.url.replace("https:", "http:")}
        assert client.post("/auth/cookie/logout", headers=twin).status_code == 403
        ended = client.post("/auth/cookie/logout", headers=own)
        assert ended.status_code == 204 and not client.cookies
        cleared = ended.headers["set-cookie"].split("; ")
        assert cleared[0] == "__Host-portcullis=" and "Max-Age=0" in cleared
        assert {"Path=/", "HttpOnly", "SameSite=Lax", "Secure"} < set(cleared)
        kept = {"Cookie": value}
        gone = httpx.get(secure.url + "/protected", verify=secure.verify, headers=kept)
        assert gone.status_code == 401, "the session itself has ended"


def test_a_renewed_certificate_is_used_without_a_restart(secure):
    first = secure.verify
    chain, _ = make_certificate(secure.folder)
    second = trusting(chain)
    for _ in range(300):
        try:
            answer = httpx.get(secure.url + "/protected", verify=second, auth=basic("mona"))
            assert answer.status_code == 200
            break
        except httpx.ConnectError:
            time.sleep(0.1)
    else:
        pytest.fail("the new certificate was never used")
    with pytest.raises(httpx.ConnectError):
        httpx.get(secure.url + "/", verify=first)


def test_cleartext_on_the_tls_port_gets_nothing(secure):
    assert b"200" not in secure.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")


def test_old_tls_is_refused(secure):
    old = trusting(secure.folder / "chain.pem")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", secure.port)) as wire, pytest.raises(ssl.SSLError) as error:
        old.wrap_socket(wire, server_hostname="localhost")
    # The server says so, not the client's own library.
    assert "ALERT" in str(error.value).upper(), error.value


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_plain_http_beyond_loopback_is_refused(tmp_path, address):
    ended = subprocess.run(
        [os.environ["BINARY_UNDER_TEST"], "serve", "--listen", f"{address}:{free_port()}"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PORTCULLIS_SERVER_PUBLIC_URL": "https://auth.example.org"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 1
    said = ended.stdout + ended.stderr
    assert "cleartext" in said and "tls_cert_file" in said and "trusted_proxies" in said, said
