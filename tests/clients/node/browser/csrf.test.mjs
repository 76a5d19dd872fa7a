// A victim signed in by cookie visits a page that attacks: nothing changes.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch, site } from "../chromium.mjs";
import { PASSWORDS, start } from "../portcullis.mjs";

let portcullis, browser, evil;
const pages = {};

before(async () => {
  portcullis = await start();
  evil = await site(pages);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  evil?.stop();
  await portcullis?.stop();
});

/** A browser in which mona is signed in by cookie. */
async function victim() {
  const context = await browser.newContext();
  const answer = await context.request.post(`${portcullis.url}/auth/cookie/login`, {
    form: { username: "mona", password: PASSWORDS.mona },
    headers: { origin: portcullis.url },
  });
  assert.equal(answer.status(), 204);
  return context;
}

/** What an attack could have changed, as the victim sees it. */
async function state(context) {
  const read = async (path) => (await context.request.get(portcullis.url + path)).json();
  const sessions = await read("/users/me/sessions");
  return { me: await read("/users/me"), items: await read("/items"), sessions: sessions.items?.length };
}

const TARGETS = ["/auth/cookie/logout", "/users/me", "/items", "/auth/jwt/logout"];
const JSON_IN_A_FORM = `{"name":"forged","price":1,"x":"`;

const form = (action, kind, query = "") => `<!doctype html>
  <form method="post" enctype="${kind}" action="${action}${query}">
    <input name='${JSON_IN_A_FORM}' value='"}'><input name="_method" value="DELETE">
  </form><script>document.forms[0].submit()</script>`;

const ATTACKS = {
  "a hidden image": (to) => `<!doctype html><img hidden src="${to}?_method=DELETE">`,
  "a form, urlencoded": (to) => form(to, "application/x-www-form-urlencoded"),
  "a form, multipart": (to) => form(to, "multipart/form-data"),
  "a form, plain text": (to) => form(to, "text/plain"),
  "a form that overrides the method": (to) =>
    form(to, "application/x-www-form-urlencoded", "?_method=DELETE&X-HTTP-Method-Override=DELETE"),
  "fetch without CORS": (to) => `<!doctype html><script>fetch("${to}", {method: "POST",
    mode: "no-cors", credentials: "include", body: '{"name":"forged","price":1}'})</script>`,
  "fetch with an overriding header": (to) => `<!doctype html><script>fetch("${to}", {
    method: "POST", credentials: "include", headers: {"X-HTTP-Method-Override": "DELETE",
    "Content-Type": "application/json"}, body: "{}"}).catch(() => 0)</script>`,
  "fetch of DELETE": (to) => `<!doctype html><script>fetch("${to}", {method: "DELETE",
    credentials: "include"}).catch(() => 0)</script>`,
  "a beacon": (to) => `<!doctype html><script>navigator.sendBeacon("${to}", "x=1")</script>`,
  "a sandboxed frame": (to) => `<!doctype html><iframe sandbox="allow-scripts allow-forms"
    srcdoc='<form method="post" action="${to}"></form><script>document.forms[0].submit()</script>'>`,
};

for (const [name, attack] of Object.entries(ATTACKS)) {
  test(`the account survives ${name}`, async () => {
    const context = await victim();
    const before = await state(context);
    assert.equal(before.me.username, "mona");
    // Another site altogether, and one whose requests carry the cookie: a site has no port.
    const hosts = [`evil.test:${evil.port}`, `127.0.0.1:${evil.port}`];
    await Promise.all(TARGETS.flatMap((target, number) => {
      pages[`/${number}`] = attack(portcullis.url + target);
      return hosts.map(async (host) => {
        const attacker = await context.newPage();
        await attacker.goto(`http://${host}/${number}`, { waitUntil: "load", timeout: 3000 }).catch(() => {});
        await attacker.waitForTimeout(150);
        await attacker.close();
      });
    }));
    assert.deepEqual(await state(context), before);
    await context.close();
  });
}

test("nobody is signed in as somebody else from another page", async () => {
  const action = `${portcullis.url}/auth/cookie/login`;
  pages["/login"] = `<!doctype html><form method="post" action="${action}">
    <input name="username" value="alice"><input name="password" value="${PASSWORDS.alice}">
    </form><script>document.forms[0].submit()</script>`;
  for (const host of ["evil.test", "127.0.0.1"]) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`http://${host}:${evil.port}/login`);
    await page.waitForURL(action);
    assert.deepEqual(await context.cookies(portcullis.url), []);
    await context.close();
  }
});

test("a password that the browser remembers is not for other sites", async () => {
  const at = portcullis.url.replace("//", `//ada:${encodeURIComponent(PASSWORDS.ada)}@`);
  pages["/remembered"] = form(`${portcullis.url}/items`, "text/plain");
  for (const host of ["evil.test", "127.0.0.1"]) {
    const context = await browser.newContext();
    const page = await context.newPage();
    assert.equal((await page.goto(`${at}/protected`)).status(), 200);
    // It is remembered: the address alone is enough now.
    assert.equal((await page.goto(`${portcullis.url}/admin`)).status(), 200);
    const answered = context.waitForEvent("response", (response) => response.request().method() === "POST");
    await page.goto(`http://${host}:${evil.port}/remembered`).catch(() => {});
    const answer = await answered;
    const sent = await answer.request().allHeaders();
    assert.match(sent.authorization ?? "", /^Basic /, "the browser sent it along");
    assert.equal(answer.status(), 403);
    await context.close();
  }
});
