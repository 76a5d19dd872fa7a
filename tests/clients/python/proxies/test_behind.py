"""The server behind a real nginx and a real Caddy, as the guide has them set up."""

import httpx
import pytest

from portcullis_process import PASSWORDS, Portcullis, basic
from proxy import Caddy, Nginx

NEAR, FAR = "127.0.0.2", "127.0.0.3"
OUTER_PROXY = "127.0.0.9"
FORGED = [
    {"X-Forwarded-For": NEAR},
    {"X-Forwarded-For": f"{NEAR}, 127.0.0.1"},
    {"X-Forwarded-For": "\xff"},
    {"Forwarded": f"for={NEAR};proto=https"},
    {"Forwarded": f'for="{NEAR}'},
    {"Forwarded": ""},
    {"X-Forwarded-For": NEAR, "Forwarded": f"for={NEAR}", "X-Real-IP": NEAR},
    # What `Connection` names a proxy takes out (RFC 9110 §7.6.1): not what it adds itself.
    {"Connection": "close, X-Forwarded-For, X-Forwarded-Proto"},
    {"X-Client-IP": NEAR, "True-Client-IP": NEAR, "CF-Connecting-IP": NEAR},
]


class Stage:
    """A proxy and a server behind it."""

    def __init__(self, proxy, folder, change=None, **settings):
        self.proxy = proxy
        self.server = Portcullis(folder, **settings)
        self.server.start()
        block = proxy.server(self.server.port)
        changed = change(block) if change else block
        assert change is None or changed != block, "the guide has changed"
        proxy.start(changed)

    def stop(self):
        self.proxy.stop()
        assert self.server.stop() == 0
        assert "panicked" not in self.server.said()


@pytest.fixture(scope="module", params=[Nginx, Caddy], ids=["nginx", "caddy"])
def stage(request, tmp_path_factory):
    """The proxy is trusted, and so is one in front of it."""
    folder = tmp_path_factory.mktemp("stage")
    proxy = request.param(folder / "proxy")
    running = Stage(
        proxy,
        folder,
        PORTCULLIS_SERVER_PUBLIC_URL=proxy.url,
        PORTCULLIS_SERVER_TRUSTED_PROXIES=f"127.0.0.1,{OUTER_PROXY}",
        PORTCULLIS_THROTTLE_ACCOUNT_ATTEMPTS="3",
        PORTCULLIS_CORS_ORIGINS="https://app.example.org",
    )
    yield running
    running.stop()


@pytest.fixture(params=[Nginx, Caddy], ids=["nginx", "caddy"])
def own_stage(request, tmp_path):
    """A stage with settings of the test's own."""
    started = []

    def start(change=None, **settings):
        proxy = request.param(tmp_path / "proxy")
        settings = {name: value.format(url=proxy.url) for name, value in settings.items()}
        started.append(Stage(proxy, tmp_path, change, **settings))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def forged(headers: dict) -> dict:
    return {name: value.encode("latin-1") for name, value in headers.items()}


def signed_in(client: httpx.Client, name: str = "mona", **headers) -> httpx.Response:
    form = {"username": name, "password": PASSWORDS[name]}
    return client.post("/auth/cookie/login", data=form, headers=headers)


def current_address(client: httpx.Client) -> str | None:
    sessions = client.get("/users/me/sessions").json()["items"]
    return next(one["address"] for one in sessions if one["current"])


def test_a_session_and_the_audit_log_name_the_client_whatever_it_claims(stage):
    for headers in [{}, *FORGED]:
        with stage.proxy.client(FAR) as client:
            assert signed_in(client, **forged(headers)).status_code == 204, headers
            assert current_address(client) == FAR, headers
    with stage.proxy.client(auth=basic("ada")) as client:
        logins = client.get("/audit", params={"action": "login"}).json()["items"]
    assert [one["address"] for one in logins[: len(FORGED) + 1]] == [FAR] * (len(FORGED) + 1)


def test_a_condition_on_the_network_sees_the_client_whatever_it_claims(stage):
    with stage.proxy.client(auth=basic("ada")) as client:
        users = client.get("/users").json()["items"]
        gus = next(one["id"] for one in users if one["username"] == "gus")
        grant = {"permission": "write", "condition": {"networks": [f"{NEAR}/32"]}}
        assert client.post(f"/users/{gus}/grants", json=grant).status_code == 201
    with stage.proxy.client(NEAR, auth=basic("gus")) as client:
        assert client.get("/write").status_code == 200
    with stage.proxy.client(FAR, auth=basic("gus")) as client:
        for headers in [{}, *FORGED]:
            assert client.get("/write", headers=forged(headers)).status_code == 403, headers


def test_guesses_are_counted_by_the_client_whatever_it_claims(stage):
    form = {"grant_type": "password", "username": "rita", "password": "wrong-all-the-time"}
    with stage.proxy.client("127.0.0.4") as client:
        seen = [
            client.post("/token", data=form, headers=forged({"X-Forwarded-For": f"10.0.0.{n}"}))
            for n in range(6)
        ]
    assert [one.status_code for one in seen] == [400] * 3 + [429] * 3
    assert int(seen[-1].headers["retry-after"]) > 0
    with stage.proxy.client("127.0.0.5") as client:
        right = form | {"password": PASSWORDS["rita"]}
        assert client.post("/token", data=right).status_code == 200


def test_the_scheme_is_the_clients(stage):
    with stage.proxy.client(FAR) as client:
        answer = signed_in(client)
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-portcullis=") and "; Secure" in cookie
        assert "; HttpOnly" in cookie and "; Path=/" in cookie and "omain" not in cookie
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        ended = client.post("/auth/cookie/logout", headers={"Origin": stage.proxy.url})
        assert ended.status_code == 204
        cleared = ended.headers["set-cookie"]
        assert cleared.startswith("__Host-portcullis=;") and "; Max-Age=0" in cleared
        assert "; Secure" in cleared and not client.cookies
        links = client.get("/.well-known/oauth-authorization-server").json()
        assert links["token_endpoint"] == stage.proxy.url + "/token"


def test_an_origin_is_compared_with_the_public_url(stage):
    for origin, status in [
        (stage.proxy.url, 204),
        (stage.server.url, 403),
        (stage.proxy.url.replace("https:", "http:"), 403),
        ("https://localhost", 403),
        ("https://app.example.org", 403),
        ("null", 403),
    ]:
        with stage.proxy.client(FAR) as client:
            assert signed_in(client).status_code == 204
            host = {"X-Forwarded-Host": "app.example.org", "Origin": origin}
            assert client.post("/auth/cookie/logout", headers=host).status_code == status, origin


def test_a_proxy_that_rewrites_host_changes_nothing(own_stage):
    def rewrite(text: str) -> str:
        # nginx then names the server behind it, as many a proxy does.
        return text.replace("proxy_set_header Host $host;", "").replace(
            "header_up -Forwarded", "header_up -Forwarded\n        header_up Host {upstream_hostport}"
        )

    stage = own_stage(
        rewrite,
        PORTCULLIS_SERVER_PUBLIC_URL="{url}",
        PORTCULLIS_SERVER_TRUSTED_PROXIES="127.0.0.1",
    )
    for origin, status in [(stage.server.url, 403), (stage.proxy.url, 204)]:
        with stage.proxy.client(FAR) as client:
            assert signed_in(client, Origin=stage.proxy.url).status_code == 204
            ended = client.post("/auth/cookie/logout", headers={"Origin": origin})
            assert ended.status_code == status, origin


def test_a_proxy_that_was_not_declared_is_not_believed(own_stage):
    stage = own_stage()
    with stage.proxy.client(FAR) as client:
        answer = signed_in(client, **{"X-Forwarded-Proto": "https", "Forwarded": f"for={FAR}"})
        assert answer.status_code == 204
        assert answer.headers["set-cookie"].startswith("portcullis=")
        assert "strict-transport-security" not in answer.headers
        assert current_address(client) == "127.0.0.1", "the proxy's own"


@pytest.mark.parametrize("stage", [Nginx], ids=["nginx"], indirect=True)
def test_two_trusted_proxies_in_a_row(stage):
    told = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
    with stage.proxy.client(OUTER_PROXY) as client:
        assert signed_in(client, **told).status_code == 204
        assert current_address(client) == "203.0.113.7"


@pytest.mark.parametrize("own_stage", [Nginx], ids=["nginx"], indirect=True)
def test_a_proxy_that_lets_forwarded_through_makes_nobody_else_of_the_client(own_stage):
    stage = own_stage(
        lambda text: text.replace('proxy_set_header Forwarded "";', ""),
        PORTCULLIS_SERVER_PUBLIC_URL="{url}",
        PORTCULLIS_SERVER_TRUSTED_PROXIES="127.0.0.1",
    )
    for claimed, seen in [(NEAR, None), ("127.0.0.1", None), ("nonsense", None), (FAR, FAR)]:
        with stage.proxy.client(FAR) as client:
            assert signed_in(client, Forwarded=f"for={claimed}").status_code == 204
            assert current_address(client) == seen, claimed


@pytest.mark.parametrize("own_stage", [Nginx], ids=["nginx"], indirect=True)
def test_cleartext_from_beyond_this_host_is_refused(own_stage):
    # The outer proxy says that its client spoke plain http, from far away.
    stage = own_stage(
        lambda text: text.replace("$scheme", "http"),
        PORTCULLIS_SERVER_PUBLIC_URL="{url}",
        PORTCULLIS_SERVER_TRUSTED_PROXIES=f"127.0.0.1,{OUTER_PROXY}",
    )
    form = {"grant_type": "password", "username": "mona", "password": PASSWORDS["mona"]}
    with stage.proxy.client(OUTER_PROXY, headers={"X-Forwarded-For": "203.0.113.7"}) as client:
        assert client.get("/").status_code == 200
        for refused in [
            client.get("/protected", auth=basic("mona")),
            client.post("/token", data=form),
            signed_in(client),
            client.post("/auth/register", json={"username": "new", "password": "x" * 20}),
        ]:
            assert refused.status_code == 403, refused.url
            assert refused.json()["type"].endswith("cleartext"), refused.text
            assert "set-cookie" not in refused.headers
