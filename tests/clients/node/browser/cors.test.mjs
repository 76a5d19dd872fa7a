// What a page of another origin may read, as Chromium has it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, site } from "../chromium.mjs";
import { PASSWORDS, basic, start } from "../portcullis.mjs";

let portcullis, browser, pages, origins;

before(async () => {
  pages = await site();
  const at = (host) => `http://${host}:${pages.port}`;
  origins = {
    allowed: at("app.localhost"),
    other: at("other.localhost"),
    lookalikes: [at("evilapp.localhost"), at("app.localhost.evil.localhost"), at("x.app.localhost"), "http://app.localhost:1"],
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
  await portcullis?.stop();
});

/** What script of a page gets: a status, a body and some headers, or that it was kept from it. */
const read = (frame, path, how) =>
  frame.evaluate(async ([url, init]) => {
    try {
      const answer = await fetch(url, init);
      const text = await answer.text();
      const header = (name) => answer.headers.get(name);
      return { status: answer.status, text, id: header("x-request-id"), server: header("vary") };
    } catch {
      return "blocked";
    }
  }, [portcullis.url + path, how]);

const gus = basic("gus");
const mona = basic("mona");
const json = { "content-type": "application/json" };
const CASES = [
  [200, "/", {}],
  [200, "/", { method: "HEAD" }],
  [200, "/protected", { headers: mona }],
  [401, "/protected", {}],
  [401, "/protected", { headers: { authorization: "Bearer x" } }],
  [403, "/admin", { headers: gus }],
  [404, "/nowhere", {}],
  [405, "/", { method: "DELETE" }],
  [413, "/items", { method: "POST", headers: mona, body: "LARGE" }],
  [415, "/items", { method: "POST", headers: mona, body: "{}" }],
  [422, "/items", { method: "POST", headers: { ...mona, ...json }, body: "{}" }],
  [201, "/items", { method: "POST", headers: { ...mona, ...json }, body: '{"name":"x","price":1}' }],
  [400, "/token", { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: "a=b" }],
];

async function onPage(url, work) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    return await work(page);
  } finally {
    await page.context().close();
  }
}

test("a page of the allowed origin reads every answer, refusals too", async () => {
  await onPage(origins.allowed, async (page) => {
    for (const [status, path, how] of CASES) {
      const init = how.body === "LARGE"
        ? { ...how, headers: { ...how.headers, ...json }, body: "x".repeat(2_000_000) }
        : how;
      const seen = await read(page, path, init);
      assert.equal(seen.status, status, `${how.method ?? "GET"} ${path}: ${JSON.stringify(seen)}`);
      // The token endpoint has rules of its own.
      if (path !== "/token") assert.ok(seen.id, "X-Request-Id is exposed");
      assert.equal(seen.server, null, "Vary is not exposed");
    }
  });
});

test("a page of any other origin reads nothing", async () => {
  for (const origin of [origins.other, ...origins.lookalikes.slice(0, 3)]) {
    await onPage(origin, async (page) => {
      for (const [, path, how] of CASES.filter(([, , how]) => how.body !== "LARGE")) {
        assert.equal(await read(page, path, how), "blocked", `${origin} ${path}`);
      }
    });
  }
});

test("a sandboxed page, whose origin is null, reads nothing", async () => {
  await onPage(origins.allowed, async (page) => {
    await page.setContent('<iframe sandbox="allow-scripts" srcdoc="<p>x"></iframe>');
    const frame = page.frames().at(-1);
    assert.equal(await frame.evaluate(() => window.origin), "null");
    assert.equal(await read(frame, "/", {}), "blocked");
    assert.equal(await read(frame, "/protected", { headers: mona }), "blocked");
  });
});

test("a header that was not allowed is stopped at the preflight", async () => {
  await onPage(origins.allowed, async (page) => {
    assert.equal(await read(page, "/", { headers: { "x-other": "1" } }), "blocked");
  });
});

test("the cookie goes along from the allowed origin alone", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(origins.allowed);
  // The API under a name of the same site, so that the cookie is sent at all.
  const api = `http://api.app.localhost:${portcullis.port}`;
  const ask = (path, init) => page.evaluate(async ([url, init]) => {
    try { return (await fetch(url, { credentials: "include", ...init })).status; } catch { return "blocked"; }
  }, [api + path, init]);
  const form = `username=mona&password=${PASSWORDS.mona}`;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  assert.equal(await ask("/auth/cookie/login", { method: "POST", headers, body: form }), 204);
  assert.equal(await ask("/protected", {}), 200);
  assert.equal(await ask("/protected", { credentials: "omit" }), 401);
  await page.goto(origins.other);
  assert.equal(await ask("/protected", {}), "blocked");
  await context.close();
});
