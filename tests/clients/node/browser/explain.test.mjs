// `portcullis cors explain` and Chromium are asked the same, and must agree.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer, request as ask } from "node:http";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { launch, onPage, read, site } from "../chromium.mjs";
import { start } from "../portcullis.mjs";

let portcullis, browser, pages, recorder, settings, origins;
const arrived = [];

/** Passes everything on to the server, and notes what was more than a question. */
function record(port) {
  return new Promise((resolve) => {
    const server = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      if (!(method === "OPTIONS" && headers["access-control-request-method"])) arrived.push(url);
      const onward = ask({ port, host: "127.0.0.1", method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    });
    server.listen(0, "127.0.0.1", () => resolve({ port: server.address().port, stop: () => server.close() }));
  });
}

before(async () => {
  pages = await site();
  const at = (host) => `http://${host}:${pages.port}`;
  origins = { app: at("app.localhost"), shop: at("one.shops.localhost"), deep: at("a.b.shops.localhost"), evil: at("evilapp.localhost") };
  settings = {
    PORTCULLIS_CORS_ORIGINS: `${at("app.localhost")},${at("*.shops.localhost")}`,
    PORTCULLIS_CORS_METHODS: "GET,POST,DELETE",
    PORTCULLIS_CORS_HEADERS: "Authorization,Content-Type,X-Allowed",
  };
  portcullis = await start(settings);
  recorder = await record(portcullis.port);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  recorder?.stop();
  pages?.stop();
  await portcullis?.stop();
});

const QUESTIONS = [
  ["GET", "/", []],
  ["HEAD", "/", []],
  ["POST", "/items", []],
  ["delete", "/items/1", []],
  ["patch", "/items/1", []],
  ["PUT", "/items/1", []],
  ["PURGE", "/", []],
  ["TRACE", "/", []],
  ["GET", "/protected", ["Authorization: Bearer x"]],
  ["POST", "/items", ["Content-Type: application/json"]],
  ["POST", "/items", ["Content-Type: text/plain"]],
  ["POST", "/items", ["Content-Type: text/plain; charset=utf-8"]],
  ["GET", "/", ["X-Allowed: 1"]],
  ["GET", "/", ["X-Other: 1"]],
  ["GET", "/", ["Accept: text/html", "Accept-Language: de"]],
  ["GET", "/", ["Accept: (x)"]],
  ["GET", "/", ["Range: bytes=0-9"]],
  ["GET", "/", [], "credentials"],
  ["DELETE", "/items/1", ["Authorization: Bearer x"], "credentials"],
  ["GET", "/nowhere", []],
  ["POST", "/token", ["Content-Type: application/x-www-form-urlencoded"]],
  ["GET", "/token", ["DPoP: x"]],
  ["DELETE", "/token", []],
  ["GET", "/.well-known/jwks.json", []],
  ["GET", "/.well-known/jwks.json", [], "credentials"],
  ["GET", "/.well-known/jwks.json", ["Authorization: Bearer x"]],
];

async function explained(origin, [method, path, headers, credentials]) {
  const words = ["cors", "explain", "--json", "--origin", origin, "--method", method];
  for (const header of headers) words.push("--header", header);
  if (credentials) words.push("--credentials");
  const env = { PATH: process.env.PATH, ...settings };
  const { stdout } = await promisify(execFile)(process.env.BINARY_UNDER_TEST, [...words, path], { env });
  return JSON.parse(stdout);
}

test("what is explained is what Chromium does", async () => {
  let number = 0;
  const seen = { allowed: 0, refused: 0, kept: 0 };
  for (const origin of Object.values(origins)) {
    await onPage(browser, origin, async (page) => {
      for (const question of QUESTIONS) {
        const [method, path, headers, credentials] = question;
        const mark = `${path}?${number++}`;
        const lines = headers.map((line) => line.split(": "));
        const init = { method, headers: lines, credentials: credentials ? "include" : "omit" };
        const answer = await read(page, `http://127.0.0.1:${recorder.port}${mark}`, init);
        const said = await explained(origin, question);
        const asked = `${origin} ${question}: ${said.sentence}`;
        assert.equal(said.allowed, answer !== "blocked", asked);
        assert.equal(said.reaches_the_route, arrived.includes(mark), asked);
        assert.equal(said.fix === null, said.allowed || said.class === "never", asked);
        seen[said.allowed ? "allowed" : said.reaches_the_route ? "kept" : "refused"]++;
      }
    });
  }
  // Each of the three ends was met often enough for the agreement to mean something.
  for (const [end, count] of Object.entries(seen)) assert.ok(count > 10, `${end}: ${count}`);
});
