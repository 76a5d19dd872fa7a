// The authorization code flow and client credentials, by clients from npm and their documentation.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import * as oauth from "oauth4webapi";
import * as openid from "openid-client";

import { PASSWORDS, start } from "../portcullis.mjs";

const insecure = { [oauth.allowInsecureRequests]: true };
const REDIRECT = "http://127.0.0.1:9777/cb";
const SERVICE = "service-secret-of-the-demo-0001";
const WEB = "web-secret-of-the-demo-00000001";
let portcullis;

before(async () => {
  portcullis = await start();
});
after(() => portcullis.stop());

/** What a browser does: follows, keeps the cookie, signs in, allows. Stops at the client's address. */
async function browse(address, jar = {}) {
  const go = async (url, form) => {
    const answer = await fetch(url, {
      method: form ? "POST" : "GET",
      body: form && new URLSearchParams(form),
      headers: { ...(jar.cookie && { cookie: jar.cookie }), ...(form && { origin: portcullis.url }) },
      redirect: "manual",
    });
    const set = answer.headers.get("set-cookie");
    if (set) jar.cookie = set.split(";")[0];
    return answer;
  };
  let answer = await go(address);
  for (let step = 0; step < 10; step++) {
    const next = answer.headers.get("location");
    if (next) {
      const url = new URL(next, portcullis.url);
      if (url.href.startsWith(REDIRECT)) return url;
      answer = await go(url);
      continue;
    }
    const page = await answer.text();
    assert.equal(answer.status, 200, page);
    const fields = Object.fromEntries(
      [...page.matchAll(/type="hidden" name="(\w+)" value="([^"]*)"/g)].map((one) => [one[1], one[2]]),
    );
    const consent = page.includes('action="/consent"');
    answer = consent
      ? await go(`${portcullis.url}/consent`, { ...fields, decision: "allow" })
      : await go(`${portcullis.url}/login`, { ...fields, username: "alice", password: PASSWORDS.alice });
  }
  throw new Error("it leads nowhere");
}

async function discover() {
  const issuer = new URL(portcullis.url);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
}

for (const [name, client, authentication] of [
  ["a public client", { client_id: "demo-spa" }, oauth.None()],
  ["a confidential client by header", { client_id: "demo-web" }, oauth.ClientSecretBasic(WEB)],
  ["a confidential client by body", { client_id: "demo-web" }, oauth.ClientSecretPost(WEB)],
]) {
  test(`oauth4webapi: the code flow of ${name}`, async () => {
    const server = await discover();
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const address = new URL(server.authorization_endpoint);
    for (const [key, value] of Object.entries({
      client_id: client.client_id, redirect_uri: REDIRECT, response_type: "code",
      scope: "openid profile email items:read", state, nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    })) address.searchParams.set(key, value);
    const back = oauth.validateAuthResponse(server, client, await browse(address), state);
    const answer = await oauth.authorizationCodeGrantRequest(
      server, client, authentication, back, REDIRECT, verifier, insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: nonce, requireIdToken: true,
    });
    const claims = oauth.getValidatedIdTokenClaims(tokens);
    const told = await oauth.processUserInfoResponse(
      server, client, claims.sub,
      await oauth.userInfoRequest(server, client, tokens.access_token, insecure),
    );
    assert.equal(told.preferred_username, "alice");
    assert.equal(told.email, "alice@example.org");
    const refreshed = await oauth.processRefreshTokenResponse(server, client,
      await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, insecure));
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token);
    const items = new URL("/items", portcullis.url);
    const read = await oauth.protectedResourceRequest(
      refreshed.access_token, "GET", items, undefined, null, insecure);
    assert.equal(read.status, 200);
  });
}

test("openid-client: discovery, the code flow, userinfo and the end of the session", async () => {
  const config = await openid.discovery(
    new URL(portcullis.url), "demo-web",
    { id_token_signed_response_alg: "EdDSA" }, openid.ClientSecretBasic(WEB),
    { execute: [openid.allowInsecureRequests] },
  );
  const verifier = openid.randomPKCECodeVerifier();
  const [state, nonce] = [openid.randomState(), openid.randomNonce()];
  const address = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT, scope: "openid profile", state, nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
  });
  const jar = {};
  const tokens = await openid.authorizationCodeGrant(config, await browse(address, jar), {
    pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true,
  });
  const told = await openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(told.preferred_username, "alice");
  const end = openid.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token, post_logout_redirect_uri: REDIRECT, state,
  });
  assert.equal((await browse(end, jar)).searchParams.get("state"), state);
  await assert.rejects(openid.fetchUserInfo(config, tokens.access_token, tokens.claims().sub));
});

test("both get a token for a client itself, and one with a wrong secret none", async () => {
  const server = await discover();
  const client = { client_id: "demo-service" };
  const form = new URLSearchParams({ scope: "items:read" });
  for (const authentication of [oauth.ClientSecretBasic(SERVICE), oauth.ClientSecretPost(SERVICE)]) {
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, form, insecure);
    const tokens = await oauth.processClientCredentialsResponse(server, client, answer);
    assert.equal(tokens.scope, "items:read");
    assert.equal(tokens.refresh_token, undefined);
  }
  const config = await openid.discovery(
    new URL(portcullis.url), "demo-service", undefined, openid.ClientSecretPost(SERVICE),
    { execute: [openid.allowInsecureRequests] },
  );
  const tokens = await openid.clientCredentialsGrant(config);
  const read = await openid.fetchProtectedResource(
    config, tokens.access_token, new URL("/read", portcullis.url), "GET");
  assert.equal(read.status, 200);
  const wrong = await oauth.clientCredentialsGrantRequest(
    server, client, oauth.ClientSecretBasic(`${SERVICE}x`), form, insecure);
  await assert.rejects(oauth.processClientCredentialsResponse(server, client, wrong));
});
