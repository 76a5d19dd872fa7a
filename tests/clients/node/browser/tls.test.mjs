// The cookie over TLS, as Chromium keeps it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { launch, read } from "../chromium.mjs";
import { PASSWORDS, freePort, start } from "../portcullis.mjs";

let portcullis, browser, folder, url;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "portcullis-tls-"));
  const [key, chain] = ["key.pem", "chain.pem"].map((name) => join(folder, name));
  execFileSync("openssl", [
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", chain,
  ], { stdio: "pipe" });
  const port = await freePort();
  url = `https://localhost:${port}`;
  // The probes answer in plain http on a listener of their own, which is how one sees that it is up.
  const health = await freePort();
  portcullis = await start({
    PORTCULLIS_SERVER_TLS_CERT_FILE: chain,
    PORTCULLIS_SERVER_TLS_KEY_FILE: key,
    PORTCULLIS_SERVER_PUBLIC_URL: url,
    PORTCULLIS_SERVER_HEALTH_LISTEN: `127.0.0.1:${health}`,
  }, port, `http://127.0.0.1:${health}`);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await portcullis?.stop();
  rmSync(folder, { recursive: true });
});

test("a session by cookie: kept as it should be, and gone after logout", async () => {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await page.goto(`${url}/docs`);
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const body = `username=mona&password=${PASSWORDS.mona}`;
  const signedIn = await read(page, `${url}/auth/cookie/login`, { method: "POST", headers: form, body });
  assert.equal(signedIn.status, 204);
  const [cookie, ...more] = await context.cookies(url);
  assert.deepEqual(more, []);
  const { name, domain, path, httpOnly, secure, sameSite } = cookie;
  assert.deepEqual(
    { name, domain, path, httpOnly, secure, sameSite },
    { name: "__Host-portcullis", domain: "localhost", path: "/", httpOnly: true, secure: true, sameSite: "Lax" },
  );
  assert.equal(await page.evaluate(() => document.cookie), "", "no script sees it");
  assert.equal((await read(page, `${url}/protected`)).status, 200);
  assert.equal((await read(page, `${url}/auth/cookie/logout`, { method: "POST" })).status, 204);
  assert.deepEqual(await context.cookies(url), []);
  const kept = await context.request.get(`${url}/protected`, { headers: { cookie: `${name}=${cookie.value}` } });
  assert.equal(kept.status(), 401, "the session itself has ended");
  await context.close();
});
