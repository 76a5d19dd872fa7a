"""The ready-made endpoints, one after the other, as the contract lists them."""

import uuid

import httpx

from portcullis_process import PASSWORDS, basic, bearer

ADA = basic("ada")


def register(client) -> tuple[str, str, str]:
    name, password = f"user-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    body = {"username": name, "password": password}
    answer = client.post("/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["roles"] == ["user"] and "password" not in answer.text
    assert client.post("/auth/register", json=body).status_code == 409
    return answer.json()["id"], name, password


def sign_in(client, name, password, path="/token") -> httpx.Response:
    form = {"grant_type": "password", "username": name, "password": password}
    return client.post(path, data=form)


def test_items(client):
    assert client.get("/items").status_code == 401
    assert client.get("/items", auth=basic("gus")).status_code == 403
    assert client.get("/items", auth=basic("alice")).json()["items"]
    made = client.post("/items", auth=basic("mona"), json={"name": "x" * 40, "price": 0})
    assert made.status_code == 201, made.text
    path = f"/items/{made.json()['id']}"
    assert client.get(path, auth=basic("alice")).json() == made.json()
    assert client.delete(path, auth=basic("alice")).status_code == 403
    assert client.delete(path, auth=basic("mona")).status_code == 204
    assert client.get(path, auth=basic("mona")).status_code == 404
    assert client.get("/items/not-an-id", auth=basic("mona")).status_code in (404, 422)


def test_logout_ends_the_token_and_its_refresh_token(client, demo):
    for kind in ["jwt", "opaque"]:
        tokens = demo.tokens("alice", f"/auth/{kind}/login")
        assert tokens["access_token"].startswith("eyJ" if kind == "jwt" else "pc_at_")
        headers = bearer(tokens["access_token"])
        assert client.get("/protected", headers=headers).status_code == 200
        assert client.post(f"/auth/{kind}/logout", headers=headers).status_code == 204
        assert client.get("/protected", headers=headers).status_code == 401
        assert demo.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_cookie_logout_clears_the_cookie(client):
    origin = {"Origin": str(client.base_url)}
    form = {"username": "alice", "password": PASSWORDS["alice"]}
    assert client.post("/auth/cookie/login", data=form, headers=origin).status_code == 204
    stolen = dict(client.cookies)
    assert client.get("/protected").status_code == 200
    answer = client.post("/auth/cookie/logout", headers=origin)
    assert answer.status_code == 204 and "Max-Age=0" in answer.headers["set-cookie"]
    client.cookies.update(stolen)
    assert client.get("/protected").status_code == 401


def test_the_token_answer(client, demo):
    answer = sign_in(client, "alice", PASSWORDS["alice"])
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["token_type"] == "Bearer" and body["expires_in"] > 0
    assert "items:read" in body["scope"].split() and "items:write" not in body["scope"].split()
    assert len(body["access_token"]) < 600
    narrow = demo.tokens("mona", scope="items:read items:write")
    assert set(narrow["scope"].split()) == {"items:read", "items:write"}


def test_refresh_rotates_and_reuse_ends_the_family(client, demo):
    first = demo.tokens("alice")
    second = demo.refresh(first["refresh_token"]).json()
    again = demo.refresh(first["refresh_token"]).json()
    assert again["refresh_token"] == second["refresh_token"]
    third = demo.refresh(second["refresh_token"]).json()
    assert client.get("/protected", headers=bearer(third["access_token"])).status_code == 200
    assert demo.refresh(first["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.get("/protected", headers=bearer(third["access_token"])).status_code == 401
    assert demo.refresh(third["refresh_token"]).json()["error"] == "invalid_grant"


def test_my_account(client):
    _, name, password = register(client)
    auth = httpx.BasicAuth(name, password)
    assert client.get("/users/me", auth=auth).json()["username"] == name
    assert client.patch("/users/me", auth=auth, json={"name": "Q"}).json()["name"] == "Q"
    new = uuid.uuid4().hex
    assert client.patch("/users/me", auth=auth, json={"password": new}).status_code in (403, 422)
    wrong = {"password": new, "current_password": "not the right one"}
    assert client.patch("/users/me", auth=auth, json=wrong).status_code in (403, 422)
    other = sign_in(client, name, password).json()
    right = {"password": new, "current_password": password}
    assert client.patch("/users/me", auth=auth, json=right).status_code == 200
    assert client.get("/users/me", auth=auth).status_code == 401
    assert client.get("/users/me", headers=bearer(other["access_token"])).status_code == 401
    auth = httpx.BasicAuth(name, new)

    def delete(word):
        return client.request("DELETE", "/users/me", auth=auth, json={"current_password": word})

    assert delete("wrong").status_code in (403, 422)
    assert delete(new).status_code == 204
    assert client.get("/users/me", auth=auth).status_code == 401


def test_my_sessions(client):
    _, name, password = register(client)
    here = bearer(sign_in(client, name, password).json()["access_token"])
    there = bearer(sign_in(client, name, password).json()["access_token"])
    listed = client.get("/users/me/sessions", headers=here).json()["items"]
    assert [one["current"] for one in listed].count(True) == 1 and len(listed) == 2
    assert {one["address"] for one in listed} == {"127.0.0.1"}
    assert all("httpx" in one["agent"] for one in listed)
    other = next(one["id"] for one in listed if not one["current"])
    assert client.delete(f"/users/me/sessions/{other}", headers=here).status_code == 204
    assert client.get("/protected", headers=there).status_code == 401
    last = bearer(sign_in(client, name, password).json()["access_token"])
    assert client.delete("/users/me/sessions", headers=here).status_code == 204
    assert client.get("/protected", headers=last).status_code == 401
    assert client.get("/protected", headers=here).status_code == 200


def test_users_are_managed_and_changes_count_at_once(client):
    name, password = f"user-{uuid.uuid4().hex[:12]}", uuid.uuid4().hex
    assert client.get("/users", auth=basic("mona")).status_code == 403
    body = {"username": name, "password": password, "roles": ["guest"]}
    made = client.post("/users", auth=ADA, json=body)
    assert made.status_code == 201, made.text
    path = f"/users/{made.json()['id']}"
    token = bearer(sign_in(client, name, password).json()["access_token"])
    assert client.get("/user", headers=token).status_code == 403
    assert client.put(f"{path}/roles/user", auth=ADA).status_code == 204
    assert client.get(f"{path}/roles/user", auth=ADA).status_code == 200
    assert client.get("/user", headers=token).status_code == 200
    assert client.delete(f"{path}/roles/user", auth=ADA).status_code == 204
    assert client.get("/user", headers=token).status_code == 403
    grant = {"permission": "write", "condition": {"networks": ["127.0.0.0/8"]}}
    granted = client.post(f"{path}/grants", auth=ADA, json=grant)
    assert granted.status_code == 201, granted.text
    assert client.get("/write", headers=token).status_code == 200
    assert client.get(f"{path}/grants", auth=ADA).json()["items"] == [granted.json()]
    deny = {"permission": "write", "effect": "deny"}
    assert client.post(f"{path}/grants", auth=ADA, json=deny).status_code == 201
    assert client.get("/write", headers=token).status_code == 403
    assert client.delete(f"{path}/grants", auth=ADA).status_code == 204
    off = client.patch(path, auth=ADA, json={"is_active": False})
    assert off.status_code == 200 and off.json()["is_active"] is False
    assert client.get("/protected", headers=token).status_code == 401
    assert sign_in(client, name, password).json()["error"] == "invalid_grant"
    assert client.delete(path, auth=ADA).status_code == 204
    assert client.get(path, auth=ADA).status_code == 404


def test_users_are_paged(client):
    for _ in range(3):
        register(client)
    seen, cursor = [], None
    for _ in range(100):
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = client.get("/users", auth=ADA, params=query).json()
        seen += [user["username"] for user in page["items"]]
        cursor = page.get("next")
        if not cursor:
            break
    assert len(seen) == len(set(seen)) and set(PASSWORDS) <= set(seen)


def test_roles_are_managed(client):
    name = f"role-{uuid.uuid4().hex[:8]}"
    role = {"name": name, "permissions": ["read"], "includes": ["guest"]}
    assert client.post("/roles", auth=basic("mona"), json=role).status_code == 403
    assert client.post("/roles", auth=ADA, json=role).status_code == 201
    assert client.post("/roles", auth=ADA, json=role).status_code == 409
    changed = client.patch(f"/roles/{name}", auth=ADA, json={"permissions": ["read", "write"]})
    assert set(changed.json()["permissions"]) == {"read", "write"}
    circle = client.patch("/roles/guest", auth=ADA, json={"includes": ["admin"]})
    assert 400 <= circle.status_code < 500
    assert client.delete(f"/roles/{name}", auth=ADA).status_code == 204
    assert client.get(f"/roles/{name}", auth=ADA).status_code == 404


def test_revocation_and_introspection(client, demo):
    tokens = demo.tokens("alice")
    look = {"token": tokens["access_token"]}
    assert client.post("/introspect", data=look).status_code == 401
    assert client.post("/introspect", data=look, auth=basic("alice")).status_code == 403
    found = client.post("/introspect", data=look, auth=ADA).json()
    assert found["active"] is True and found["username"] == "alice"
    for unknown in ["x", "pc_at_x", "eyJ.eyJ.x", tokens["access_token"][:-1]]:
        answer = client.post("/introspect", data={"token": unknown}, auth=ADA)
        assert (answer.status_code, answer.json()) == (200, {"active": False})
    assert client.post("/revoke", data=look).status_code == 200
    assert client.get("/protected", headers=bearer(tokens["access_token"])).status_code == 401
    assert client.post("/introspect", data=look, auth=ADA).json() == {"active": False}
    assert client.post("/revoke", data={"token": "unknown"}).status_code == 200
    assert client.post("/revoke", data={}).json()["error"] == "invalid_request"


def test_api_keys(client):
    _, name, password = register(client)
    auth = httpx.BasicAuth(name, password)
    made = client.post("/users/me/api-keys", auth=auth, json={"name": "ci", "scopes": ["items:read"]})
    assert made.status_code == 201 and made.json()["key"].startswith("pc_key_"), made.text
    key = made.json()["key"]
    for headers in [{"X-API-Key": key}, bearer(key)]:
        assert client.get("/items", headers=headers).status_code == 200
    listed = client.get("/users/me/api-keys", auth=auth)
    assert key not in listed.text and listed.json()["items"][0]["name"] == "ci"
    path = f"/users/me/api-keys/{made.json()['id']}"
    assert client.delete(path, auth=auth).status_code == 204
    assert client.get("/items", headers={"X-API-Key": key}).status_code == 401


def test_what_anyone_may_read(client):
    keys = client.get("/.well-known/jwks.json").json()["keys"]
    assert keys and all("d" not in key and key["kid"] and key["alg"] == "EdDSA" for key in keys)
    server = client.get("/.well-known/oauth-authorization-server").json()
    base = str(client.base_url).rstrip("/")
    assert server["token_endpoint"] == f"{base}/token"
    assert set(server["grant_types_supported"]) >= {"client_credentials", "password", "refresh_token"}
    resource = client.get("/.well-known/oauth-protected-resource").json()
    assert resource["authorization_servers"] == [server["issuer"]]
    for probe in ["/health/live", "/health/ready"]:
        assert client.get(probe).json() == {"status": "ok"}
    assert "text/html" in client.get("/docs").headers["content-type"]
