// Clients and verifiers from npm, led by nothing but the issuer's address.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as jose from "jose";
import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

import { PASSWORDS, basic, start } from "../portcullis.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
let portcullis;
let server;

// The first-party login has no client, but the library wants one with a name.
const client = { client_id: "none" };
const nobody = (_server, _client, body) => body.delete("client_id");

before(async () => {
  portcullis = await start();
  const issuer = new URL(portcullis.url);
  const found = await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...insecure });
  server = await oauth.processDiscoveryResponse(issuer, found);
});
after(() => portcullis.stop());

async function passwordGrant(name, password = PASSWORDS[name], scope = undefined) {
  const form = new URLSearchParams({ username: name, password });
  if (scope) form.set("scope", scope);
  const answer = await oauth.genericTokenEndpointRequest(
    server, client, nobody, "password", form, insecure,
  );
  return oauth.processGenericTokenEndpointResponse(server, client, answer);
}

test("oauth4webapi discovers, signs in, refreshes, asks and revokes", async () => {
  const first = await passwordGrant("alice");
  assert.equal(first.token_type, "bearer");
  const refreshed = await oauth.processRefreshTokenResponse(
    server, client,
    await oauth.refreshTokenGrantRequest(server, client, nobody, first.refresh_token, insecure),
  );
  assert.notEqual(refreshed.refresh_token, first.refresh_token);
  const url = new URL("/protected", portcullis.url);
  const ask = () =>
    oauth.protectedResourceRequest(refreshed.access_token, "GET", url, undefined, null, insecure);
  assert.deepEqual(await (await ask()).json(), { message: "Hello, alice!" });
  const revoked = await oauth.revocationRequest(
    server, client, nobody, refreshed.access_token, insecure,
  );
  await oauth.processRevocationResponse(revoked);
  await assert.rejects(ask, (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError);
    assert.equal(error.status, 401);
    const bearer = error.cause.find((challenge) => challenge.scheme === "bearer");
    assert.equal(bearer.parameters.error, "invalid_token");
    return true;
  });
});

test("oauth4webapi reads our errors and challenges", async () => {
  const refused = (error) => (thrown) => {
    assert.ok(thrown instanceof oauth.ResponseBodyError);
    assert.deepEqual([thrown.error, thrown.status], [error, 400]);
    return true;
  };
  await assert.rejects(passwordGrant("alice", "wrong"), refused("invalid_grant"));
  await assert.rejects(passwordGrant("alice", undefined, "no:such"), refused("invalid_scope"));
  const narrow = await passwordGrant("mona", undefined, "items:read");
  assert.equal(narrow.scope, "items:read");
  const url = new URL("/items", portcullis.url);
  const headers = new Headers({ "content-type": "application/json" });
  await assert.rejects(
    oauth.protectedResourceRequest(narrow.access_token, "POST", url, headers, "{}", insecure),
    (thrown) => {
      const bearer = thrown.cause.find((challenge) => challenge.scheme === "bearer");
      assert.equal(thrown.status, 403);
      assert.equal(bearer.parameters.error, "insufficient_scope");
      assert.equal(bearer.parameters.scope, "items:write");
      return true;
    },
  );
});

test("oauth4webapi introspects with the credentials of one who may", async () => {
  const { access_token: token } = await passwordGrant("alice");
  const asAda = (_server, _client, _body, headers) =>
    headers.set("authorization", basic("ada").authorization);
  const look = async (word) => oauth.processIntrospectionResponse(
    server, client, await oauth.introspectionRequest(server, client, asAda, word, insecure),
  );
  const seen = await look(token);
  assert.equal(seen.active, true);
  assert.equal(seen.username, "alice");
  assert.deepEqual(await look("unknown"), { active: false });
});

test("oauth4webapi judges our access token as RFC 9068 has it", async () => {
  const { access_token: token } = await passwordGrant("alice");
  const claims = jose.decodeJwt(token);
  const audience = [claims.aud].flat()[0];
  const request = new Request(new URL("/protected", portcullis.url), {
    headers: { authorization: `Bearer ${token}` },
  });
  const checked = await oauth.validateJwtAccessToken(server, request, audience, insecure);
  assert.equal(checked.sub, claims.sub);
});

test("jose verifies our token by the keys we publish, and refuses what is not ours", async () => {
  const { access_token: token } = await passwordGrant("alice");
  const keys = jose.createRemoteJWKSet(new URL(server.jwks_uri));
  const { aud: audience } = jose.decodeJwt(token);
  const wanted = { issuer: server.issuer, audience, typ: "at+jwt", algorithms: ["EdDSA"] };
  const { payload } = await jose.jwtVerify(token, keys, wanted);
  for (const claim of ["exp", "sub", "client_id", "iat", "jti", "sid", "scope"]) {
    assert.ok(payload[claim], claim);
  }
  const { privateKey } = await jose.generateKeyPair("EdDSA");
  const forged = await new jose.SignJWT(payload)
    .setProtectedHeader(jose.decodeProtectedHeader(token))
    .sign(privateKey);
  await assert.rejects(jose.jwtVerify(forged, keys, wanted));
  const headers = { authorization: `Bearer ${forged}` };
  assert.equal((await fetch(`${portcullis.url}/protected`, { headers })).status, 401);
});

test("openid-client discovers, signs in, refreshes and revokes", async () => {
  const config = await openid.discovery(new URL(portcullis.url), "none", {}, nobody, {
    algorithm: "oauth2",
    execute: [openid.allowInsecureRequests],
  });
  const form = { username: "alice", password: PASSWORDS.alice };
  const first = await openid.genericGrantRequest(config, "password", form);
  const next = await openid.refreshTokenGrant(config, first.refresh_token);
  const url = new URL("/protected", portcullis.url);
  const answer = await openid.fetchProtectedResource(config, next.access_token, url, "GET");
  assert.equal(answer.status, 200);
  await openid.tokenRevocation(config, next.refresh_token);
  await assert.rejects(openid.refreshTokenGrant(config, next.refresh_token), {
    error: "invalid_grant",
  });
});
