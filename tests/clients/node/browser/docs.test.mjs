// The explorer, used as its reader would use it.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "../chromium.mjs";
import { PASSWORDS, start } from "../portcullis.mjs";

let portcullis, browser;

before(async () => {
  portcullis = await start();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await portcullis?.stop();
});

async function explorer() {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const asked = [];
  const complaints = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("console", (message) => {
    // That an answer was a 4xx is said in the console too.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      complaints.push(message.text());
    }
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(`${portcullis.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  const end = async () => {
    await context.close();
    assert.deepEqual(complaints, []);
    const abroad = asked.filter((url) => !/^(data|blob):/.test(url) && new URL(url).origin !== portcullis.url);
    assert.deepEqual(abroad, []);
  };
  return { page, end };
}

async function authorize(page, scheme, fields) {
  await page.locator(".auth-wrapper .btn.authorize").first().click();
  const box = page.locator(".auth-container", { has: page.locator("h4", { hasText: scheme }) });
  for (const [selector, value] of Object.entries(fields)) {
    await box.locator(selector).first().fill(value);
  }
  await box.locator("button.authorize").click();
  await box.getByText("Logout").waitFor();
  await page.locator("button.btn-done").first().click();
}

/** Executes a route as its reader would, and says which status is shown. */
async function execute(page, path, { method = "get", fields = {} } = {}) {
  const block = page.locator(`.opblock-${method}`, { has: page.locator(`[data-path="${path}"]`) });
  const button = block.locator("button.execute");
  if (!(await button.isVisible())) await block.locator(".opblock-summary-control").click();
  // The explorer opens ready to be tried.
  await button.waitFor();
  for (const [name, value] of Object.entries(fields)) {
    await block.locator(`tr[data-property-name="${name}"] input, tr[data-param-name="${name}"] input`).first().fill(value);
  }
  if (await block.locator("button.btn-clear").isVisible()) await block.locator("button.btn-clear").click();
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === path);
  await button.click();
  const status = (await answered).status();
  const shown = block.locator(".live-responses-table .response-col_status").nth(1);
  await shown.getByText(String(status)).first().waitFor();
  return status;
}

test("Execute with no credential shows the 401, and the browser asks for nothing itself", async () => {
  const { page, end } = await explorer();
  assert.equal(await execute(page, "/protected"), 401);
  assert.equal(await execute(page, "/admin"), 401);
  assert.equal(await execute(page, "/"), 200);
  await end();
});

test("Authorize by a wrong password, then Execute", async () => {
  const { page, end } = await explorer();
  await authorize(page, "basic", { "input[type=text]": "ada", "input[type=password]": "wrong" });
  assert.equal(await execute(page, "/protected"), 401);
  await end();
});

test("Sign in by cookie, Execute, sign out", async () => {
  const { page, end } = await explorer();
  const login = (password) => execute(page, "/auth/cookie/login", {
    method: "post", fields: { username: "ada", password },
  });
  assert.equal(await login("wrong"), 401);
  assert.equal(await execute(page, "/admin"), 401);
  assert.equal(await login(PASSWORDS.ada), 204);
  assert.equal(await execute(page, "/admin"), 200);
  // What Authorize has set counts instead of it: two credentials would be refused.
  await authorize(page, "basic", { "input[type=text]": "alice", "input[type=password]": PASSWORDS.alice });
  assert.equal(await execute(page, "/admin"), 403);
  await page.locator(".auth-wrapper .btn.authorize").first().click();
  await page.getByRole("button", { name: "Remove authorization" }).first().click();
  await page.locator("button.btn-done").first().click();
  assert.equal(await execute(page, "/auth/cookie/logout", { method: "post" }), 204);
  assert.equal(await execute(page, "/protected"), 401);
  await end();
});

test("Authorize by password flow, then Execute", async () => {
  const { page, end } = await explorer();
  await authorize(page, "oauth2", {
    "input[name=username], #oauth_username": "alice",
    "input[type=password]": PASSWORDS.alice,
  });
  assert.equal(await execute(page, "/protected"), 200);
  assert.equal(await execute(page, "/admin"), 403);
  await end();
});

test("Authorize by Basic, then Execute", async () => {
  const { page, end } = await explorer();
  await authorize(page, "basic", {
    "input[type=text]": "ada",
    "input[type=password]": PASSWORDS.ada,
  });
  assert.equal(await execute(page, "/protected"), 200);
  assert.equal(await execute(page, "/admin"), 200);
  await end();
});

test("Authorize by a pasted bearer token, then Execute", async () => {
  const body = new URLSearchParams({ grant_type: "password", username: "ada", password: PASSWORDS.ada });
  const { access_token: token } = await (await fetch(`${portcullis.url}/token`, { method: "POST", body })).json();
  const { page, end } = await explorer();
  await authorize(page, "bearer", { input: token });
  assert.equal(await execute(page, "/admin"), 200);
  await end();
});

test("the explorer cannot be framed, by its own origin either", async () => {
  const answer = await fetch(`${portcullis.url}/docs`);
  const policy = answer.headers.get("content-security-policy");
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe/);
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${portcullis.url}/health/live`);
  await page.setContent(`<iframe src="${portcullis.url}/docs"></iframe>`);
  await page.waitForTimeout(500);
  const framed = page.frames().at(-1);
  assert.notEqual(framed, page.mainFrame());
  assert.equal(await framed.locator("#swagger-ui").count(), 0);
  await context.close();
});
