// Debian's Chromium, and pages of other sites: names under `.test` are this machine.

import { createServer } from "node:http";

import { chromium } from "playwright-core";

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: [
      "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
      "--host-resolver-rules=MAP *.test 127.0.0.1",
    ],
  });

/** A site that serves the pages given, by path, and an empty one at `/`. */
export function site(pages = {}) {
  return new Promise((resolve) => {
    const server = createServer((request, response) => {
      const page = pages[request.url] ?? "<!doctype html><title>a page</title>";
      response.setHeader("content-type", "text/html");
      response.end(typeof page === "function" ? page() : page);
    });
    server.listen(0, "127.0.0.1", () =>
      resolve({ port: server.address().port, stop: () => server.close() }),
    );
  });
}

/** What script of a page gets of an answer: status, body and readable headers; or "blocked". */
export const read = (frame, url, init = {}) =>
  frame.evaluate(async ([url, init]) => {
    if (init.body === "LARGE") init.body = "x".repeat(2_000_000);
    try {
      const answer = await fetch(url, init);
      return { status: answer.status, text: await answer.text(), headers: Object.fromEntries(answer.headers) };
    } catch {
      return "blocked";
    }
  }, [url, init]);

/** Does something on a page of its own, in a browser that remembers nothing. */
export async function onPage(browser, url, work) {
  const context = await browser.newContext();
  try {
    const page = await context.newPage();
    await page.goto(url);
    return await work(page);
  } finally {
    await context.close();
  }
}
