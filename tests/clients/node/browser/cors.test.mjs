// What a page of another origin may read, as Chromium has it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, onPage, read, site } from "../chromium.mjs";
import { PASSWORDS, basic, start } from "../portcullis.mjs";

let portcullis, browser, pages, twin, origins;

before(async () => {
  pages = await site();
  twin = await site();
  const at = (host, port = pages.port) => `http://${host}:${port}`;
  origins = {
    allowed: at("app.localhost"),
    other: at("other.localhost"),
    // Suffix, prefix, a label more, a label less, another port.
    lookalikes: [
      at("evilapp.localhost"), at("app.localhost.evil.localhost"), at("x.app.localhost"),
      at("localhost"), at("app.localhost", twin.port),
    ],
  };
  portcullis = await start({
    PORTCULLIS_CORS_ORIGINS: origins.allowed,
    PORTCULLIS_CORS_CREDENTIALS: "true",
  });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  pages?.stop();
  twin?.stop();
  await portcullis?.stop();
});

const gus = basic("gus");
const mona = basic("mona");
const json = { "content-type": "application/json" };
const urlencoded = { "content-type": "application/x-www-form-urlencoded" };
const ITEM = '{"name":"x","price":1}';
const CASES = [
  [200, "/", {}],
  [200, "/", { method: "HEAD" }],
  [200, "/protected", { headers: mona }],
  [401, "/protected", {}],
  [401, "/protected", { headers: { authorization: "Bearer x" } }],
  [403, "/admin", { headers: gus }],
  [404, "/nowhere", {}],
  [405, "/", { method: "DELETE" }],
  [405, "/", { method: "PATCH" }],
  [413, "/items", { method: "POST", headers: { ...mona, ...json }, body: "LARGE" }],
  [415, "/items", { method: "POST", headers: mona, body: "{}" }],
  [422, "/items", { method: "POST", headers: { ...mona, ...json }, body: "{}" }],
  [201, "/items", { method: "POST", headers: { ...mona, ...json }, body: ITEM }],
  [400, "/token", { method: "POST", headers: urlencoded, body: "a=b" }],
];

// What every page may read of an answer, and what the settings expose beside it.
const READABLE = new Set([
  "cache-control", "content-language", "content-length", "content-type", "expires",
  "last-modified", "pragma", "www-authenticate", "x-request-id", "retry-after",
]);

/** Each case with and without credentials; the token endpoint takes no cookie. */
const ways = () => CASES.flatMap((one) => ["omit", "include"].map((credentials) => [...one, credentials]))
  .filter(([, path, , credentials]) => path !== "/token" || credentials === "omit");

test("a page of the allowed origin reads every answer, refusals too, and no header but those said", async () => {
  await onPage(browser, origins.allowed, async (page) => {
    for (const [status, path, how, credentials] of ways()) {
      const asked = `${how.method ?? "GET"} ${path}, credentials: ${credentials}`;
      const seen = await read(page, portcullis.url + path, { ...how, credentials });
      assert.equal(seen.status, status, `${asked}: ${JSON.stringify(seen)}`);
      const { headers } = seen;
      assert.ok(headers["x-request-id"], asked);
      for (const name of Object.keys(headers)) assert.ok(READABLE.has(name), `${asked}: ${name}`);
      // A script is not challenged for Basic: the browser would show its own box for a password.
      if (status === 401) assert.match(headers["www-authenticate"], /^Bearer /, asked);
      if (status < 400 || path === "/token") continue;
      assert.equal(headers["content-type"], "application/problem+json", asked);
      const problem = JSON.parse(seen.text);
      assert.equal(problem.status, status, asked);
      assert.equal(problem.instance, headers["x-request-id"], asked);
    }
  });
});

test("after too many guesses the page reads the 429, and when to try again", async () => {
  const body = "grant_type=password&username=rita&password=wrong";
  await onPage(browser, origins.allowed, async (page) => {
    let seen;
    for (let number = 0; number < 60 && seen?.status !== 429; number++) {
      seen = await read(page, `${portcullis.url}/token`, { method: "POST", headers: urlencoded, body });
    }
    assert.equal(seen.status, 429);
    assert.ok(Number(seen.headers["retry-after"]) > 0);
    assert.ok(seen.headers["x-request-id"]);
  });
});

test("a page of any other origin reads nothing", async () => {
  for (const origin of [origins.other, ...origins.lookalikes]) {
    await onPage(browser, origin, async (page) => {
      for (const [, path, how, credentials] of ways()) {
        const seen = await read(page, portcullis.url + path, { ...how, credentials });
        assert.equal(seen, "blocked", `${origin} ${path}`);
      }
    });
  }
});

test("the scheme is part of the origin", async () => {
  const secure = origins.allowed.replace("http:", "https:");
  const other = await start({ PORTCULLIS_CORS_ORIGINS: secure });
  try {
    await onPage(browser, origins.allowed, async (page) => {
      assert.equal(await read(page, `${other.url}/`), "blocked");
      assert.equal(await read(page, `${other.url}/protected`, { headers: mona }), "blocked");
      // What is the same for everybody is open to everybody, without credentials.
      const keys = `${other.url}/.well-known/jwks.json`;
      assert.equal((await read(page, keys)).status, 200);
      assert.equal(await read(page, keys, { credentials: "include" }), "blocked");
    });
  } finally {
    await other.stop();
  }
});

test("a sandboxed page, whose origin is null, reads nothing", async () => {
  await onPage(browser, origins.allowed, async (page) => {
    await page.setContent('<iframe sandbox="allow-scripts" srcdoc="<p>x"></iframe>');
    const frame = page.frames().at(-1);
    assert.equal(await frame.evaluate(() => window.origin), "null");
    for (const [, path, how, credentials] of ways()) {
      assert.equal(await read(frame, portcullis.url + path, { ...how, credentials }), "blocked", path);
    }
  });
});

test("a header or a method that was not allowed is stopped at the preflight", async () => {
  await onPage(browser, origins.allowed, async (page) => {
    const ask = (init) => read(page, `${portcullis.url}/`, init);
    assert.equal(await ask({ headers: { "x-other": "1" } }), "blocked");
    assert.equal(await ask({ method: "PURGE" }), "blocked");
    assert.equal((await ask({ headers: json })).status, 200);
  });
});

test("the cookie goes along from the allowed origin alone", async () => {
  // The API under a name of the same site, so that the cookie is sent at all.
  const api = `http://api.app.localhost:${portcullis.port}`;
  await onPage(browser, origins.allowed, async (page) => {
    const ask = async (path, init) => {
      const seen = await read(page, api + path, { credentials: "include", ...init });
      return seen.status ?? seen;
    };
    const body = `username=mona&password=${PASSWORDS.mona}`;
    assert.equal(await ask("/auth/cookie/login", { method: "POST", headers: urlencoded, body }), 204);
    assert.equal(await ask("/protected", {}), 200);
    assert.equal(await ask("/items", { method: "POST", headers: json, body: ITEM }), 201);
    assert.equal(await ask("/protected", { credentials: "omit" }), 401);
    await page.goto(origins.other);
    assert.equal(await ask("/protected", {}), "blocked");
    assert.equal(await ask("/items", { method: "POST", headers: json, body: ITEM }), "blocked");
  });
});
