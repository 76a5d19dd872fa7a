"""The outcome table: statuses, challenges, bodies, and the headers that stand on all of them."""

import uuid

import pytest

from portcullis_process import basic, bearer

ORIGIN = "https://app.example.com"


def problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"] and body["title"] and body["detail"]
    assert body["instance"].endswith(answer.headers["x-request-id"])
    return body


def challenges(answer) -> list[str]:
    return answer.headers.get_list("www-authenticate")


def test_no_credential(client):
    answer = client.get("/protected")
    problem(answer, 401)
    said = challenges(answer)
    assert 'Basic realm="portcullis", charset="UTF-8"' in said
    assert 'Bearer realm="portcullis"' in said


@pytest.mark.parametrize(
    "value",
    [
        "Bearer x",
        "Bearer a.b.c",
        "Bearer pc_at_0000000000000000000000000000000000000000000000000",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.",
        "Bearer",
        "Bearer a b",
        "Bearer " + "a" * 20_000,
    ],
)
def test_a_bad_bearer_token(client, value):
    answer = client.get("/protected", headers={"Authorization": value})
    problem(answer, 401)
    assert any('error="invalid_token"' in said for said in challenges(answer)), challenges(answer)


@pytest.mark.parametrize(
    "value",
    ["Basic", "Basic !!!", "Basic YWRh", "Basic =", "Basic Og==", "Basic /////w==", "Basic YWRhOng="],
)
def test_bad_basic_credentials(client, value):
    answer = client.get("/protected", headers={"Authorization": value})
    problem(answer, 401)
    assert 'Basic realm="portcullis", charset="UTF-8"' in challenges(answer)
    assert not any("invalid_token" in said for said in challenges(answer))


def test_an_unknown_scheme_and_no_scheme(client):
    for value in ["Negotiate abc", "Digest username=ada", "x", "=="]:
        problem(client.get("/protected", headers={"Authorization": value}), 401)


def test_two_credentials(client, demo):
    token = demo.tokens("alice")["access_token"]
    for headers in [
        [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")],
        [("Authorization", f"Bearer {token}"), ("X-API-Key", "pc_key_x")],
    ]:
        answer = client.get("/protected", headers=headers)
        problem(answer, 400)
        assert any('error="invalid_request"' in said for said in challenges(answer))


def test_lacking_a_scope(client, demo):
    token = demo.tokens("mona", scope="items:read")["access_token"]
    answer = client.post("/items", headers=bearer(token), json={"name": "x", "price": 1})
    body = problem(answer, 403)
    assert body["missing"]
    assert any(
        'error="insufficient_scope"' in said and 'scope="items:write"' in said
        for said in challenges(answer)
    ), challenges(answer)
    assert client.get("/items", headers=bearer(token)).status_code == 200


def test_lacking_a_permission_names_no_scope(client):
    answer = client.get("/admin", auth=basic("gus"))
    assert "admin" in str(problem(answer, 403)["missing"])
    assert not any("scope=" in said for said in challenges(answer))


def test_not_found_and_method_not_served(client):
    problem(client.get("/nowhere"), 404)
    answer = client.put("/protected", auth=basic("ada"))
    problem(answer, 405)
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET", "HEAD"}


def test_a_body_that_does_not_fit(client):
    body = problem(client.post("/items", auth=basic("mona"), json={"name": "", "price": -1}), 422)
    assert {fault["pointer"] for fault in body["errors"]} == {"/name", "/price"}
    body = problem(client.post("/items", auth=basic("mona"), json={"nane": "x", "price": 1}), 422)
    assert all(fault["detail"] for fault in body["errors"])


def test_not_json_wrong_type_too_large(client):
    auth, kind = basic("mona"), {"Content-Type": "application/json"}
    problem(client.post("/items", auth=auth, content=b"{", headers=kind), 400)
    problem(client.post("/items", auth=auth, data={"name": "x"}), 415)
    problem(client.post("/items", auth=auth, content=b"{}"), 415)
    large = b'{"name": "' + b"x" * 2_000_000 + b'", "price": 1}'
    problem(client.post("/items", auth=auth, content=large, headers=kind), 413)


def test_a_stranger_learns_nothing_of_the_schema(client):
    for content in [b"{", b"{}", b'{"name": 1}']:
        answer = client.post("/items", content=content, headers={"Content-Type": "text/plain"})
        assert "errors" not in problem(answer, 401)


def test_token_endpoint_errors_are_those_of_oauth(client):
    def error(data=None, **more):
        answer = client.post("/token", data=data, **more)
        assert answer.status_code == 400, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"].startswith("application/json")
        return answer.json()["error"]

    password = {"grant_type": "password", "username": "alice", "password": "down-the-rabbit-hole"}
    assert error({"grant_type": "magic"}) == "unsupported_grant_type"
    assert error({"username": "alice"}) == "invalid_request"
    assert error({"grant_type": "password"}) == "invalid_request"
    assert error(password | {"scope": "no:such:scope"}) == "invalid_scope"
    assert error({"grant_type": "refresh_token", "refresh_token": "x"}) == "invalid_grant"
    assert error(password | {"username": ["alice", "ada"]}) == "invalid_request"
    twice = "grant_type=password&grant_type=password&username=alice&password=x"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert error(content=twice, headers=kind) == "invalid_request"


def test_the_password_grant_is_for_no_third_party(client):
    password = {"grant_type": "password", "username": "alice", "password": "down-the-rabbit-hole"}
    body = {"id": f"third-party-{uuid.uuid4()}", "name": "Third party"}
    registered = client.post("/clients", auth=basic("ada"), json=body)
    assert registered.status_code == 201, registered.text
    known = client.post("/token", data=password | {"client_id": body["id"]})
    assert (known.status_code, known.json()["error"]) == (400, "unauthorized_client"), known.text
    unknown = client.post("/token", data=password | {"client_id": "nobody-knows-it"})
    assert (unknown.status_code, unknown.json()["error"]) == (401, "invalid_client"), unknown.text
    for named in [body["id"], "nobody-knows-it"]:
        for answer in [
            client.post("/token", data=password | {"client_id": named, "client_secret": "x"}),
            client.post("/token", data=password, auth=(named, "x")),
        ]:
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
            assert answer.headers["www-authenticate"].startswith("Basic ")
    both = client.post("/token", data=password | {"client_id": "b"}, auth=("a", "x"))
    assert (both.status_code, both.json()["error"]) == (400, "invalid_request")
    assert client.post("/token", data=password | {"client_id": ""}).status_code == 200


def test_no_credential_is_taken_from_the_query(client, demo):
    token = demo.tokens("alice")["access_token"]
    problem(client.get("/protected", params={"access_token": token}), 401)
    query = {"grant_type": "password", "username": "alice", "password": "down-the-rabbit-hole"}
    answer = client.post("/token", params=query)
    assert 400 <= answer.status_code < 500 and "access_token" not in answer.text


def every_error(client, headers):
    yield 200, client.get("/", headers=headers)
    yield 401, client.get("/protected", headers=headers)
    yield 403, client.get("/admin", auth=basic("gus"), headers=headers)
    yield 404, client.get("/nowhere", headers=headers)
    yield 405, client.put("/", headers=headers)
    yield 415, client.post("/items", auth=basic("mona"), content=b"{}", headers=headers)
    yield 422, client.post("/items", auth=basic("mona"), json={}, headers=headers)
    yield 400, client.post("/token", data={"grant_type": "x"}, headers=headers)
    large, kind = b"x" * 2_000_000, {"Content-Type": "application/json"}
    yield 413, client.post("/items", auth=basic("mona"), content=large, headers=headers | kind)


def test_headers_of_cors_and_security_stand_on_every_answer(client):
    for status, answer in every_error(client, {"Origin": ORIGIN}):
        assert answer.status_code == status, (status, answer.text)
        assert answer.headers["access-control-allow-origin"] == ORIGIN, status
        # The token endpoint takes no cookie, so it asks for none.
        if answer.request.url.path != "/token":
            assert answer.headers["access-control-allow-credentials"] == "true", status
    for origin in [{}, {"Origin": "https://app.example.com.evil.example"}, {"Origin": "null"}]:
        for status, answer in every_error(client, origin):
            assert answer.status_code == status, (status, answer.text)
            assert "access-control-allow-origin" not in answer.headers, (origin, status)
            assert "origin" in answer.headers["vary"].lower(), status
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "content-security-policy" in answer.headers
            assert "referrer-policy" in answer.headers
            assert answer.headers["x-request-id"]
