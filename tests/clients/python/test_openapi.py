"""The document: valid by a validator that is not ours, and true of what the server does."""

import re
import uuid

import openapi_spec_validator

from portcullis_process import PASSWORDS, basic, bearer

METHODS = {"get", "post", "put", "patch", "delete"}


def operations(client):
    for path, item in client.get("/openapi.json").json()["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method, path, operation


def test_the_document_is_valid(client):
    document = client.get("/openapi.json").json()
    openapi_spec_validator.validate(document)
    assert document["openapi"].startswith("3.1")
    schemes = document["components"]["securitySchemes"]
    assert schemes["basic"] | {"description": ""} == {"type": "http", "scheme": "basic", "description": ""}
    assert schemes["bearer"]["scheme"] == "bearer"
    assert schemes["oauth2"]["flows"]["password"]["tokenUrl"] == "/token"
    assert all(schemes["oauth2"]["flows"]["password"]["scopes"].values())
    assert schemes["cookie"]["in"] == "cookie"
    tags = {tag for _, _, operation in operations(client) for tag in operation["tags"]}
    assert tags >= {"hello", "auth", "users", "roles", "tokens", "items"}


def test_every_route_refuses_as_the_document_says(client):
    seen = 0
    form = {"grant_type": "password", "username": "alice", "password": PASSWORDS["alice"], "scope": "items:read"}
    narrow = bearer(client.post("/token", data=form).json()["access_token"])
    for method, path, operation in operations(client):
        if operation.get("security") and {} not in operation["security"]:
            real = re.sub(r"\{\w+\}", str(uuid.uuid4()), path)
            assert "401" in operation["responses"] and "403" in operation["responses"]
            stranger = client.request(method, real)
            assert stranger.status_code == 401, (method, path, stranger.status_code)
            bad = client.request(method, real, headers={"Authorization": "Bearer x"})
            assert bad.status_code == 401, (method, path)
            if operation["x-requires"].startswith("signed in"):
                enough = operation["x-requires"] == "signed in"
                narrowed = client.request(method, real, headers=narrow) if not enough else None
                assert enough or narrowed.status_code == 403, (method, path, narrowed.text)
            else:
                lacking = client.request(method, real, auth=basic("gus"))
                assert lacking.status_code in (403, 404), (method, path, lacking.text)
            seen += 1
    assert seen > 40


def test_each_answer_is_one_the_document_names(client):
    for method, path, operation in operations(client):
        if method == "get" and "{" not in path:
            answer = client.get(path, auth=basic("ada"))
            named = operation["responses"]
            assert str(answer.status_code) in named or "default" in named, (path, answer.status_code)
