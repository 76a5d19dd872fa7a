"""A real nginx that caches in front: no origin is served what was granted to another."""

import itertools

import pytest

from portcullis_process import Portcullis
from proxy import Nginx

ONE, OTHER = "https://one.example.org", "https://other.example.org"
ASKING = [ONE, OTHER, "https://refused.example.org", None]

SERVER = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    location / {{
        proxy_pass http://127.0.0.1:{backend};
        proxy_cache shared;
        proxy_cache_valid any 10m;
        proxy_cache_key $request_uri;
        proxy_ignore_headers Cache-Control Expires {ignored};
        add_header X-Cache $upstream_cache_status always;
    }}
}}
"""


@pytest.fixture()
def cached(tmp_path):
    started = []

    def start(ignored: str = ""):
        server = Portcullis(tmp_path, PORTCULLIS_CORS_ORIGINS=f"{ONE},{OTHER}")
        server.start()
        nginx = Nginx(tmp_path / "proxy")
        block = SERVER.format(
            port=nginx.port, chain=nginx.chain, key=nginx.key, backend=server.port, ignored=ignored
        )
        folder = nginx.folder / "cache"
        nginx.start(block, f"proxy_cache_path {folder} keys_zone=shared:1m;")
        started.extend([nginx, server])
        return nginx.client()

    yield start
    for one in started:
        one.stop()


def ask(client, path: str, origin: str | None):
    answer = client.get(path, headers={"Origin": origin} if origin else {})
    return answer.headers.get("access-control-allow-origin"), answer.headers["x-cache"]


# A public document, a greeting, a refusal: a 404 is cached here too.
@pytest.mark.parametrize("path", ["/openapi.json", "/", "/nowhere"])
def test_no_grant_is_served_to_another_in_any_order(cached, path):
    with cached() as client:
        for number, order in enumerate(itertools.permutations(ASKING)):
            hits = 0
            for origin in [*order, *reversed(order)]:
                granted, cache = ask(client, f"{path}?order={number}", origin)
                assert granted == (origin if origin in (ONE, OTHER) else None), (order, origin)
                hits += cache == "HIT"
            assert hits >= 4, "the second round came from the cache"


def test_what_all_may_read_is_kept_once(cached):
    with cached() as client:
        seen = [ask(client, "/.well-known/jwks.json", origin) for origin in ASKING]
    assert [granted for granted, _ in seen] == ["*"] * 4
    assert [cache for _, cache in seen] == ["MISS", "HIT", "HIT", "HIT"]


def test_a_cache_that_ignores_vary_would_do_just_that(cached):
    with cached("Vary") as client:
        assert ask(client, "/openapi.json", ONE) == (ONE, "MISS")
        assert ask(client, "/openapi.json", OTHER) == (ONE, "HIT")
