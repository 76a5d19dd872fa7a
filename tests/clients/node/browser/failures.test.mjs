// What a page sees when something goes wrong, from the library's example `cross_origin`.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, onPage, read, site } from "../chromium.mjs";
import { startExample } from "../portcullis.mjs";

let portcullis, browser, pages, allowed, other;

before(async () => {
  pages = await site();
  allowed = `http://app.localhost:${pages.port}`;
  other = `http://other.localhost:${pages.port}`;
  portcullis = await startExample(allowed);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  pages?.stop();
  await portcullis?.stop();
});

const FAILURES = [
  [500, "/panic", "internal"],
  [503, "/away", "unavailable", "7"],
  [504, "/slow", "timeout"],
  [429, "/busy", "too-many-requests", "9"],
  [404, "/nowhere", "not-found"],
  [405, "/greeting", "method-not-allowed", undefined, "DELETE"],
];

test("a page of the allowed origin reads a panic's 500, a 503, a time-out and when to try again", async () => {
  await onPage(browser, allowed, async (page) => {
    for (const [status, path, kind, after, method = "GET"] of FAILURES) {
      for (const credentials of ["omit", "include"]) {
        const seen = await read(page, portcullis.url + path, { method, credentials });
        assert.equal(seen.status, status, path);
        const problem = JSON.parse(seen.text);
        assert.ok(problem.type.endsWith(kind), problem.type);
        assert.equal(problem.instance, seen.headers["x-request-id"]);
        assert.equal(seen.headers["retry-after"], after, path);
        assert.doesNotMatch(seen.text, /a bug/, "nothing of the panic is told");
      }
    }
  });
});

test("a page of another origin reads none of them", async () => {
  await onPage(browser, other, async (page) => {
    for (const [, path, , , method = "GET"] of FAILURES) {
      for (const credentials of ["omit", "include"]) {
        const seen = await read(page, portcullis.url + path, { method, credentials });
        assert.equal(seen, "blocked", path);
      }
    }
  });
});

test("a path has rules of its own", async () => {
  for (const [origin, sealed, greeting] of [[allowed, "blocked", 200], [other, "blocked", "blocked"]]) {
    await onPage(browser, origin, async (page) => {
      const ask = async (path, init) => {
        const seen = await read(page, portcullis.url + path, init);
        return seen.status ?? seen;
      };
      assert.equal(await ask("/sealed"), sealed);
      assert.equal(await ask("/greeting"), greeting);
      assert.equal(await ask("/open"), 200);
      assert.equal(await ask("/open", { credentials: "include" }), "blocked");
      assert.equal(await ask("/open", { method: "PUT" }), "blocked");
    });
  }
});

test("while one develops, a refusal says why", async () => {
  const refused = await fetch(`${portcullis.url}/greeting`, { headers: { origin: other } });
  assert.match(refused.headers.get("x-cors-explained"), /cors\.origins: `http:\/\/other\.localhost.* Fix: /);
});
